/**
 * What a volunteer tells of its contents beside "complete through": those of a snapshot that is on its way, and all of them where it
 * has a part of a module. A whole list when it comes, then what changes; small contents are given by the centre, so nobody asks.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import type { Root } from '../hash/root.js'
import { SMALL_BYTES } from '../hash/unit.js'
import type { Clock } from '../host.js'
import { CONTENT_BYTES, CONTENTS, type VolunteerMessage } from '../mirror/volunteer-messages.js'
import { VOLUNTEER_EACH_MS } from './volunteer-desk.js'
import type { VolunteerTree } from './volunteer-tree.js'

/** Between two looks for news. */
const LOOK_MS = 500
/** Twice what the centre allows. */
const EACH_MS = 2 * VOLUNTEER_EACH_MS
/** Contents that are remembered as told; more are not told, which costs clients and nothing else. */
const MOST = 1_000_000
/** Of the index, at once. */
const SLICE = 2000

export type HavesParts = {
  readonly tree: VolunteerTree
  /** False: the channel is not open. */
  readonly say: (message: VolunteerMessage) => boolean
  readonly clock: Clock
}

export class Haves {
  readonly #parts: HavesParts
  /** The beginnings of roots that the centre knows of, or will. */
  readonly #told = new Set<string>()
  #came: Root[] = []
  /** A new channel: the centre knows nothing. */
  #isNew = true
  #listedAt = ''

  constructor(parts: HavesParts) {
    this.#parts = parts
  }

  /** Contents were finished. */
  came(roots: readonly Root[]): void {
    for (const root of roots) if (this.#came.length < MOST) this.#came.push(root)
  }
  /** The channel was opened anew. */
  opened(): void {
    this.#isNew = true
  }

  async keep(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#look(signal)
      await this.#parts.clock.sleep(LOOK_MS, signal)
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { tree } = this.#parts
    const { state, doneAt } = tree
    if (state === null) return
    if (tree.isWhole) return this.#forget(signal)
    const isPart = state.through === null
    // what came since the last whole snapshot is told again; the parts of a module are looked up
    const isList = isPart && (this.#isNew || doneAt !== this.#listedAt)
    const came = this.#came.splice(0)
    if (isList) {
      this.#listedAt = doneAt
      return this.#list(signal)
    }
    if (this.#isNew) {
      const again = [...this.#told].map((beginning) => beginning as Root)
      this.#told.clear()
      return this.#tell([...again, ...came], signal)
    }
    return this.#tell(came, signal)
  }

  /** All that stands here, and what no longer does. */
  async #list(signal: AbortSignal): Promise<void> {
    const { store } = this.#parts.tree
    const gone = this.#isNew ? new Set<string>() : new Set(this.#told)
    if (this.#isNew) this.#told.clear()
    const found: Root[] = []
    let after: Root | null = null
    for (;;) {
      const some = store.places.standing(after, SLICE)
      after = some.at(-1)?.root ?? null
      for (const { root, hashed, size } of some) {
        if (!hashed || size <= SMALL_BYTES) continue
        gone.delete(root.slice(0, CONTENT_BYTES))
        found.push(root)
      }
      if (after === null) break
      await breathe()
      signal.throwIfAborted()
    }
    await this.#tell(found, signal)
    const lost = [...gone].map((beginning) => beginning as Root)
    for (const each of gone) this.#told.delete(each)
    const { module } = this.#parts.tree
    for (const contents of slices(lost)) await this.#say({ type: 'lost', module, contents }, signal)
  }

  async #tell(roots: readonly Root[], signal: AbortSignal): Promise<void> {
    const { module } = this.#parts.tree
    const news: Root[] = []
    for (const root of roots) {
      const beginning = root.slice(0, CONTENT_BYTES)
      if (this.#told.has(beginning) || this.#told.size >= MOST) continue
      this.#told.add(beginning)
      news.push(root)
    }
    for (const contents of slices(news)) {
      const isFirst = this.#isNew
      this.#isNew = false
      if (!(await this.#say({ type: 'have', module, isFirst, contents }, signal))) return
    }
  }

  /** It is complete: that says it all. */
  async #forget(signal: AbortSignal): Promise<void> {
    this.#came = []
    if (this.#told.size === 0) return
    this.#told.clear()
    const { module } = this.#parts.tree
    await this.#say({ type: 'have', module, isFirst: true, contents: [] }, signal)
    this.#isNew = true
  }

  /** False: the channel ended; then all is told anew. */
  async #say(message: VolunteerMessage, signal: AbortSignal): Promise<boolean> {
    const isSaid = this.#parts.say(message)
    if (isSaid) await this.#parts.clock.sleep(EACH_MS, signal)
    else this.#isNew = true
    return isSaid
  }
}

function* slices(roots: readonly Root[]): Iterable<readonly Root[]> {
  for (let at = 0; at < roots.length; at += CONTENTS) yield roots.slice(at, at + CONTENTS)
}
