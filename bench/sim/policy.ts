/** Rules of choosing: those of others in a few lines each, ours by the code that runs. */
import type { Chance } from './chance.js'
import { chanceOf } from './chance.js'
import { CENTRE, type Run } from './run.js'
import { CLIENT_RATES, type Session, type SimContent } from './world.js'

export type SimAsk = {
  readonly session: Session
  readonly content: SimContent
  /** Where this client found nobody. */
  readonly failed: ReadonlySet<number>
  /** Simulated seconds. */
  readonly now: number
}

/** What a volunteer sees of itself. */
export type Seen = {
  readonly fair: number
  readonly capacity: number
  readonly flows: number
  readonly clientRate: number
  readonly syncRate: number
  readonly rates: readonly number[]
  readonly leftMs: readonly number[]
}

export type Policy = {
  /** @returns the index of a volunteer that has the content, or CENTRE */
  choose(ask: SimAsk): number
  report?(index: number, seen: Seen, now: number): void
  left?(index: number, now: number): void
  failed?(index: number, session: Session, now: number): void
}

/** Who has a product, by product; those who said that they go are taken out. */
class Holders {
  readonly #of: number[][]
  constructor({ world }: Run) {
    this.#of = Array.from({ length: 10 }, (_, product) =>
      world.volunteers.filter(({ products }) => products.has(product)).map(({ index }) => index),
    )
  }
  of({ content, failed }: SimAsk): readonly number[] {
    const all = this.#of[content.product] ?? []
    return failed.size === 0 ? all : all.filter((index) => !failed.has(index))
  }
  remove(index: number): void {
    this.#of.forEach((all, product) => {
      this.#of[product] = all.filter((each) => each !== index)
    })
  }
}

function simple(
  run: Run,
  pick: (holders: readonly number[], ask: SimAsk, chance: Chance) => number,
  report?: Policy['report'],
): Policy {
  const holders = new Holders(run)
  const chance = chanceOf(run.world.setting.seed + 4000)
  return {
    choose: (ask) => {
      const all = holders.of(ask)
      return all.length === 0 ? CENTRE : pick(all, ask, chance)
    },
    left: (index) => holders.remove(index),
    failed: (index) => holders.remove(index),
    ...(report === undefined ? {} : { report }),
  }
}

export const centreAlone = (): Policy => ({ choose: () => CENTRE })

export const random = (run: Run): Policy =>
  simple(run, (holders, _, chance) => holders[chance.below(holders.length)] ?? CENTRE)

export const roundRobin = (run: Run): Policy => {
  let turn = 0
  return simple(run, (holders) => holders[turn++ % holders.length] ?? CENTRE)
}

export const byCapacity = (run: Run): Policy => {
  const { volunteers } = run.world
  return simple(run, (holders, _, chance) => {
    const weights = holders.map((index) => volunteers[index]?.capacity ?? 0)
    return holders[chance.weighted(weights)] ?? CENTRE
  })
}

/** Flows for the size of the line, as last reported. */
export const leastLoaded = (run: Run): Policy => {
  const load = reportedLoad(run)
  return simple(run, (holders) => leastOf(holders, load.of), load.report)
}

export const twoChoices = (run: Run): Policy => {
  const load = reportedLoad(run)
  return simple(
    run,
    (holders, _, chance) => {
      const two = [0, 0].map(() => holders[chance.below(holders.length)] ?? CENTRE)
      return leastOf(two, load.of)
    },
    load.report,
  )
}

/** Near ones, within 1.5 times the distance of the nearest, the nearer the likelier: as mirrorbits' README has it. */
export const geographic = (run: Run): Policy => {
  const { sites, volunteers } = run.world
  return simple(run, (holders, { session }, chance) => {
    const from = sites[session.site]
    const far = holders.map((index) => {
      const to = sites[volunteers[index]?.site ?? 0]
      return Math.hypot((from?.x ?? 0) - (to?.x ?? 0), (from?.y ?? 0) - (to?.y ?? 0))
    })
    const nearest = Math.min(...far)
    const most = Math.max(...far)
    const weights = far.map((each) => (each <= nearest * 1.5 + 0.01 ? most - each + 0.01 : 0))
    return holders[chance.weighted(weights)] ?? CENTRE
  })
}

/** Knows each line and the client's own at this moment: the least used of those that give it all it takes, else the fastest. */
export const perfect = (run: Run): Policy => {
  const sent = run.lines.map(() => 0)
  return simple(run, (holders, { session, content }) => {
    const cap = CLIENT_RATES[session.rate] ?? 0
    const there = holders.filter((index) => run.isThere[index] === true)
    const rates = there.map((index) => run.lines[index]?.fair() ?? 0)
    const enough = there.filter((_, i) => (rates[i] ?? 0) >= cap)
    const used = (index: number): number => (sent[index] ?? 0) / (run.lines[index]?.capacity ?? 1)
    const best =
      enough.length > 0
        ? leastOf(enough, used)
        : (there[rates.indexOf(Math.max(...rates))] ?? CENTRE)
    if (best !== CENTRE) sent[best] = (sent[best] ?? 0) + content.bytes
    return best
  })
}

function reportedLoad(run: Run): {
  of: (index: number) => number
  report: NonNullable<Policy['report']>
} {
  const flows = run.lines.map(() => 0)
  return {
    of: (index) => flows[index] ?? 0,
    report: (index, seen) => {
      flows[index] = seen.flows / seen.capacity
    },
  }
}

function leastOf(indices: readonly number[], of: (index: number) => number): number {
  return indices.reduce((best, each) => (of(each) < of(best) ? each : best), indices[0] ?? CENTRE)
}
