/** What the centre wants a volunteer with a quota to hold, kept over restarts of both: it is told only when it changes. */
import { PrsyncError } from '../base/errors.js'
import { parseObject } from '../base/json.js'
import type { Clock } from '../host.js'
import { readState, replaceState } from '../io/state-file.js'
import type { ReleaseRef } from '../mirror/release.js'
import { releasesAt } from '../mirror/volunteer-messages.js'

const LOOK_MS = 250

export class WantedList {
  readonly #path: string
  readonly #clock: Clock
  /** Null: never told. */
  #releases: readonly ReleaseRef[] | null
  #changed = new AbortController()

  /** @throws {StartupError} where it cannot be read */
  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
    this.#releases = opened(path)
  }

  get releases(): readonly ReleaseRef[] {
    return this.#releases ?? []
  }

  /** The centre said what it wants now. */
  told(releases: readonly ReleaseRef[]): void {
    const text = JSON.stringify({ releases })
    if (this.#releases !== null && text === JSON.stringify({ releases: this.#releases })) return
    this.#releases = releases
    try {
      replaceState(this.#path, text)
    } catch (error) {
      if (!(error instanceof PrsyncError)) throw error // a full disk: the centre tells again
    }
    this.#changed.abort(new Error('something else is wanted'))
    this.#changed = new AbortController()
  }

  /** What is wanted of a module, once it was told; `over` is aborted as soon as it is something else. */
  async of(
    module: string,
    signal: AbortSignal,
  ): Promise<{ releases: readonly ReleaseRef[]; over: AbortSignal }> {
    while (this.#releases === null) await this.#clock.sleep(LOOK_MS, signal)
    const releases = this.#releases.filter((each) => each.module === module)
    return { releases, over: this.#changed.signal }
  }
}

/** One that is damaged is as good as none. */
function opened(path: string): readonly ReleaseRef[] | null {
  const text = readState(path)
  try {
    return text === null ? null : releasesAt(parseObject(text, 'wanted'))
  } catch (error) {
    if (!(error instanceof PrsyncError)) throw error
    return null
  }
}
