/**
 * Names of one file in a transfer: which comes first to the receiver, and which become links to it. Where one of them stands
 * there already it is the first, else the last of the list, so that any that stands is met before. prsync-protocol(7), hard links.
 */
import type { ByteName } from '../base/byte-name.js'
import type { Entry } from './request.js'

/** @param wasBusy the bytes of another were on their way already */
type Waiting = { readonly entry: Entry; readonly wasBusy: boolean }
type Group = { left: number; leader: ByteName | null; busy: boolean; waiting: Waiting[] }

export class HardLinks {
  readonly #groups = new Map<string, Group>()

  /** @param counts members of each group in the transfer, or in a part of the list that has come */
  expect(counts: ReadonlyMap<string, number>): void {
    for (const [link, count] of counts) {
      const group = this.#groups.get(link)
      if (group !== undefined) group.left += count
      else this.#groups.set(link, { left: count, leader: null, busy: false, waiting: [] })
    }
  }

  /** Must this one wait for another? It is remembered then. @param canLead something of it is there already */
  isAwaited(entry: Entry, canLead: boolean): boolean {
    const group = this.#groups.get(entry.link ?? '')
    if (group === undefined) return false
    group.left--
    if (group.leader !== null) return false
    const isLast = group.left === 0
    if (!group.busy && (isLast || canLead)) {
      group.busy = true
      return false
    }
    group.waiting.push({ entry, wasBusy: group.busy })
    return true
  }

  leader(link: string): ByteName | null {
    return this.#groups.get(link)?.leader ?? null
  }

  /** One of them stands. @returns those that waited, the last first */
  stands(link: string, name: ByteName): readonly Waiting[] {
    const group = this.#groups.get(link)
    if (group === undefined || group.leader !== null) return []
    group.leader = name
    return group.waiting.splice(0).reverse()
  }

  /** The one they wait for failed. @returns the one to try next; null: none waits */
  failed(link: string): Entry | null {
    const group = this.#groups.get(link)
    if (group === undefined || group.leader !== null) return null
    const next = group.waiting.shift()?.entry ?? null
    // Where none waits the next that is met is tried.
    group.busy = next !== null
    return next
  }

  /** One of them is left as it is. @returns the one to try, where it was the last to be met and none stands */
  passed(link: string): Entry | null {
    const group = this.#groups.get(link)
    if (group === undefined) return null
    group.left--
    if (group.left > 0 || group.busy || group.leader !== null) return null
    return this.failed(link)
  }

  /** Those that wait for one that failed. */
  left(): readonly Entry[] {
    return [...this.#groups.values()].flatMap((group) =>
      group.waiting.splice(0).map(({ entry }) => entry),
    )
  }
}
