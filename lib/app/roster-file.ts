/** Who is enrolled, in a file of the state directory that is replaced whole. */
import { PrsyncError, StartupError } from '../base/errors.js'
import { readState, replaceState } from '../io/state-file.js'
import {
  type Enrolled,
  formatRoster,
  judged,
  parseRoster,
  type Roster,
} from '../mirror/enrolment.js'

/** A measured capacity is written again where it is another by this part. */
const MEASURED_NEWS = 0.1
/** And so often at most: writing waits for the disk, and clients wait meanwhile. */
const MEASURED_MS = 60_000

/** Hears of an entry that is another now; null: it is gone. */
export type RosterChanged = (name: string, enrolled: Enrolled | null) => void

export class RosterFile {
  readonly #path: string
  readonly #changed: RosterChanged
  #roster: Roster
  /** When a measured capacity was written last. */
  #measuredMs = Number.NEGATIVE_INFINITY

  /** @throws {StartupError} where the file cannot be read, or is not ours */
  constructor(path: string, changed: RosterChanged = () => {}) {
    this.#path = path
    this.#changed = changed
    this.#roster = openRoster(path)
  }

  get all(): Roster {
    return this.#roster
  }
  of(name: string): Enrolled | null {
    return this.#roster.find((each) => each.name === name) ?? null
  }

  /** First on the disk: what somebody was told stays true. @throws {FileError} */
  save(roster: Roster): void {
    if (roster === this.#roster) return
    replaceState(this.#path, formatRoster(roster))
    this.#take(roster)
  }

  /** What nobody was promised: it counts although it cannot be kept, as on a full disk. */
  attempt(roster: Roster | null): void {
    if (roster === null) return
    try {
      this.save(roster)
    } catch (error) {
      if (!(error instanceof PrsyncError)) throw error
      this.#take(roster)
    }
  }

  /** Else the centre would have to learn it anew after each restart, at its clients' cost. */
  keepMeasured(name: string, measured: number | null, nowMs: number): void {
    const [now, before] = [measured ?? 0, this.of(name)?.measured ?? 0]
    if (Math.abs(now - before) <= MEASURED_NEWS * before) return
    const rounded = measured === null ? null : Math.round(measured)
    const roster = judged(this.#roster, name, { measured: rounded })
    if (roster === null) return
    // It does not matter if it is lost: it is written with what comes next.
    if (nowMs - this.#measuredMs < MEASURED_MS) return this.#take(roster)
    this.#measuredMs = nowMs
    this.attempt(roster)
  }

  #take(roster: Roster): void {
    const before = this.#roster
    this.#roster = roster
    for (const each of roster) if (!before.includes(each)) this.#changed(each.name, each)
    for (const { name } of before) if (this.of(name) === null) this.#changed(name, null)
  }
}

function openRoster(path: string): Roster {
  const text = readState(path)
  if (text === null) return []
  try {
    return parseRoster(text)
  } catch (cause) {
    if (!(cause instanceof PrsyncError)) throw cause
    throw new StartupError(`${path} is damaged: ${cause.message}`, { cause })
  }
}
