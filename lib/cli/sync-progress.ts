/** How far a run has come, of each file or of all: counted as bytes move, shown now and then. rsync(1) --progress, --info=progress2. */
import type { Passed, SyncEvents } from '../app/sync-events.js'
import type { Options } from '../options/options.js'
import type { Places } from '../options/remote.js'
import { progressLine, type Shown } from './progress-line.js'
import type { Output } from './sync-output.js'

type Entry = Parameters<SyncEvents['item']>[0]

/** A line that says how far a file is: soon after it began, then each second. */
const FIRST_SHOWN_MS = 200
const SHOWN_MS = 1000
/** What rsync has read of a file when it first draws it. */
const FIRST_BYTES = 32_768

export class SyncProgress {
  readonly #options: Options
  readonly #kind: Places['kind']
  readonly #out: Output
  readonly #begunMs: number
  #file = { entry: null as Entry | null, moved: 0, begunMs: 0, shownMs: 0 }
  #whole = { size: 0, done: 0, files: 0, listed: 0 }

  /** @param begunMs when the run began, of performance.now() */
  constructor(options: Options, kind: Places['kind'], out: Output, begunMs: number) {
    this.#options = options
    this.#kind = kind
    this.#out = out
    this.#begunMs = begunMs
  }

  /** So many entries are known, of so many bytes. */
  grew(listed: number, size: number): void {
    this.#whole.listed = listed
    this.#whole.size = size
  }
  began(entry: Entry): void {
    if (this.#options.info.progress === 0) return
    const now = performance.now()
    this.#file = { entry, moved: 0, begunMs: now, shownMs: now }
  }
  moved(bytes: number): void {
    const file = this.#file
    if (file.entry === null) return
    file.moved += bytes
    this.#whole.done += bytes
    const now = performance.now()
    const isFirst = file.shownMs === file.begunMs
    if (now - file.shownMs < (isFirst ? FIRST_SHOWN_MS : SHOWN_MS)) return
    file.shownMs = now
    if (this.#options.info.progress > 1) this.#showWhole(null)
    else this.#showFile(isFirst ? this.#firstOf(file.entry) : file.moved, null)
    this.#out.flush()
  }
  ended(entry: Entry, at: Passed): void {
    if (this.#options.info.progress === 0) return
    this.#whole.files++
    this.#whole.done += entry.stands.size - this.#file.moved
    const end = {
      files: this.#whole.files,
      left: at.listed - at.passed,
      listed: at.listed,
      isGrowing: at.isGrowing === true,
    }
    if (this.#options.info.progress > 1) this.#showWhole(end)
    else {
      const { size } = entry.stands
      if (size > 0 && this.#file.shownMs === this.#file.begunMs)
        this.#showFile(this.#firstOf(entry), null)
      this.#showFile(entry.stands.size, end)
    }
    this.#file.entry = null
  }
  /** The line of the whole run once more, and it stays. */
  end(): void {
    if (this.#options.info.progress < 2) return
    const { files, listed } = this.#whole
    this.#showWhole({ files, left: 0, listed }, true)
  }

  /** rsync draws a file first when the first of it was read, or before any of it has come, and at its end. */
  #firstOf({ stands }: Entry): number {
    return this.#kind === 'pull' ? 0 : Math.min(stands.size, FIRST_BYTES)
  }
  #showFile(done: number, end: Shown['end']): void {
    const { entry, begunMs } = this.#file
    const seconds = (performance.now() - begunMs) / 1000
    const size = entry?.stands.size ?? done
    const level = this.#options.humanReadable
    this.#out.progress(progressLine({ done, size, seconds, level, end }), end !== null)
  }
  #showWhole(end: Shown['end'], isLast = false): void {
    const { done, size } = this.#whole
    const seconds = (performance.now() - this.#begunMs) / 1000
    const level = this.#options.humanReadable
    this.#out.progress(progressLine({ done, size, seconds, level, end }), isLast)
  }
}
