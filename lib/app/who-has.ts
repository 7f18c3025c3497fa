/**
 * Which volunteer has which file. One that is complete through a sequence has all that came to its name before, which is arithmetic;
 * what others have, of a part of a module or of a snapshot on its way, is what they told of contents that are published here: a bit
 * each (`mirror/presence.ts`). docs/decisions/0047.
 */
import type { Root } from '../hash/root.js'
import { Presence } from '../mirror/presence.js'
import { isOfRelease, type ReleaseRef } from '../mirror/release.js'
import { CONTENTS, type Have, type Lost, type ModuleState } from '../mirror/volunteer-messages.js'
import type { Wanted } from './redirect-desk.js'

/** For what volunteers told, of a module: bits of a million contents for two hundred of them. */
const PRESENCE_BYTES = 64 << 20

export type WhoHasParts = {
  /** The current sequence; null where there is no such module. */
  readonly sequenceOf: (module: string) => number | null
  /** Those of the roots with whose beginnings a content above 64 KiB is published. */
  readonly contentsAmong: (module: string, roots: readonly Root[]) => readonly Root[]
}

export class WhoHas {
  readonly #parts: WhoHasParts
  readonly #states: (ReadonlyMap<string, ModuleState> | undefined)[] = []
  /** Of volunteers that hold what is wanted of them. */
  readonly #limits: (readonly ReleaseRef[] | undefined)[] = []
  readonly #presences = new Map<string, Presence>()

  constructor(parts: WhoHasParts) {
    this.#parts = parts
  }

  /** It came, and said nothing yet. */
  joined(slot: number): void {
    this.left(slot)
    this.#states[slot] = new Map()
  }
  left(slot: number): void {
    this.#states[slot] = undefined
    this.#limits[slot] = undefined
    for (const presence of this.#presences.values()) presence.forget(slot)
  }

  /** For nothing else clients are sent there. */
  limit(slot: number, releases: readonly ReleaseRef[]): void {
    this.#limits[slot] = releases
  }

  /** @returns it has more than before */
  told(slot: number, states: readonly ModuleState[]): boolean {
    const before = this.#states[slot]
    this.#states[slot] = new Map(states.map((each) => [each.module, each]))
    return states.some(
      ({ module, through }) => through !== null && through > (before?.get(module)?.through ?? -1),
    )
  }

  /** As it last said. */
  states(slot: number): readonly ModuleState[] {
    return [...(this.#states[slot]?.values() ?? [])]
  }

  has(slot: number, { module, isFirst, contents }: Have): void {
    const presence = this.#of(module)
    if (presence === null || this.#states[slot] === undefined) return
    if (isFirst || !presence.isJoined(slot)) presence.join(slot, null, null)
    // what is not published here would take room for ever
    const unknown = contents.filter((root) => presence.numberOf(root) === null)
    const news = unknown.length === 0 ? [] : this.#parts.contentsAmong(module, unknown)
    for (const root of news) presence.know(root)
    for (const root of contents) presence.finished(slot, root)
  }
  /** All that it told, once more. */
  *haves(slot: number): Iterable<Have> {
    for (const [module, presence] of this.#presences) {
      let isFirst = true
      let contents: Root[] = []
      for (const root of presence.finishedOf(slot)) {
        contents.push(root)
        if (contents.length < CONTENTS) continue
        yield { type: 'have', module, isFirst, contents }
        isFirst = false
        contents = []
      }
      if (contents.length > 0) yield { type: 'have', module, isFirst, contents }
    }
  }
  lost(slot: number, { module, contents }: Lost): void {
    for (const root of contents) this.#presences.get(module)?.dropped(slot, root)
  }

  holds(wanted: Wanted): (slot: number) => boolean {
    const { module, name, content, since } = wanted
    const file = { name, since, bytes: content.length }
    const newest = this.#parts.sequenceOf(module) ?? 0
    const presence = this.#presences.get(module)
    // most volunteers have all: it is looked up where one has a part
    let number: number | null | undefined
    return (slot) => {
      const state = this.#states[slot]?.get(module)
      // one that is ahead of us saw another history: what we call 7 need not be what it calls 7
      if (state === undefined || state.following > newest) return false
      const limit = this.#limits[slot]
      if (limit?.some((ref) => ref.module === module && isOfRelease(ref, file)) === false)
        return false
      const { through, following } = state
      if (through !== null && through >= since && through <= newest) return true
      // what it has under an older snapshot's name would be given with that one's time
      if (following < since || presence === undefined) return false
      if (number === undefined) number = presence.numberOf(content.root)
      return number !== null && presence.holds(slot, number, 0)
    }
  }

  #of(module: string): Presence | null {
    const known = this.#presences.get(module)
    if (known !== undefined || this.#parts.sequenceOf(module) === null) return known ?? null
    const made = new Presence(PRESENCE_BYTES)
    this.#presences.set(module, made)
    return made
  }
}
