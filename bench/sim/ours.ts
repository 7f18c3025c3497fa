/** Our rule, by the code that a centre runs: select, balance, ledger. */
import { capacityOf, USUAL_RATE } from '../../lib/mirror/balance.js'
import { measuredAfter } from '../../lib/mirror/capacity.js'
import { HEALTHY, type Health, healthAfter, standingOf } from '../../lib/mirror/health.js'
import { Ledger } from '../../lib/mirror/ledger.js'
import { fairRate, type LoadReport, lastingOf } from '../../lib/mirror/report.js'
import { type Centre, expectedMs, select } from '../../lib/mirror/select.js'
import type { Volunteer } from '../../lib/mirror/volunteer.js'
import type { Policy } from './policy.js'
import { CENTRE, type Run } from './run.js'

/** When the simulation begins, by the clock of the code. */
const EPOCH_MS = 1_800_000_000_000

export type OurWays = {
  /** Is synchronization told of in reports? */
  readonly countsSync: boolean
}

export const ours =
  ({ countsSync }: OurWays = { countsSync: true }) =>
  (run: Run): Policy => {
    const { setting, volunteers, centreRate, centreBase } = run.world
    const states = volunteers.map(
      ({ index, capacity, site }): Volunteer => ({
        id: `v${index}`,
        slot: index,
        baseUrl: `http://v${index}.example`,
        scheme: 'http',
        families: [4],
        networks: [{ address: String.fromCharCode(10, site, 0, 0), bits: 16 }],
        declared: setting.declared ? capacity : null,
        measured: null,
        joinedMs: EPOCH_MS - 1e9,
        standing: { state: 'fresh' },
        lastFaultMs: null,
        report: null,
        ledger: new Ledger(),
      }),
    )
    const centre: Centre = { uplink: centreRate, rate: centreBase, usualRate: null }
    const last = new Map<string, { id: string; atMs: number }>()
    const health = new Map<number, Health>()
    return {
      choose: ({ session, content, failed, now }) => {
        const nowMs = EPOCH_MS + now * 1000
        const choice = select(
          {
            content: { root: content.root, length: content.bytes },
            client: { address: session.address, scheme: 'http', oneTry: false },
            holds: (slot) => volunteers[slot]?.products.has(content.product) === true,
            failed: new Set([...failed].map((index) => `v${index}`)),
            last: last.get(session.address) ?? null,
          },
          states,
          centre,
          nowMs,
        )
        if (choice.kind === 'here') return CENTRE
        const { chosen } = choice
        chosen.ledger.redirect(
          content.bytes,
          expectedMs(content.bytes, choice.rate, USUAL_RATE),
          nowMs,
        )
        last.set(session.address, { id: chosen.id, atMs: nowMs })
        return chosen.slot
      },
      report: (index, seen, now) => {
        const state = states[index]
        if (state === undefined) return
        const atMs = EPOCH_MS + now * 1000
        const syncRate = countsSync ? seen.syncRate : 0
        const report: LoadReport = {
          atMs,
          fair: fairRate(
            (setting.declared ? seen.capacity : capacityOf(state)) - syncRate,
            seen.rates,
          ),
          flows: seen.flows,
          lasting: lastingOf(seen.leftMs),
          clientRate: seen.clientRate,
          syncRate,
          observed: seen.rates.slice(0, 20),
        }
        state.ledger.reported(report, atMs)
        states[index] = { ...state, report, measured: measuredAfter(state, report, USUAL_RATE) }
      },
      // the client asks again: all that the centre learns of a volunteer that went without a word
      failed: (index, session, now) => {
        const state = states[index]
        if (state === undefined) return
        const nowMs = EPOCH_MS + now * 1000
        const evidence = { kind: 'retry', client: session.address } as const
        const before = health.get(index) ?? HEALTHY
        const seen = healthAfter(before, evidence, false, nowMs)
        health.set(index, seen)
        const standing = standingOf(seen, state.ledger.redirects(nowMs), 0, nowMs)
        states[index] = { ...state, standing }
      },
      left: (index) => {
        const state = states[index]
        if (state !== undefined) states[index] = { ...state, report: null }
      },
    }
  }
