/**
 * Where the lines of a run go: standard output (or, with --stderr=all, standard error), errors to standard error, and what is
 * worth keeping to the --log-file. Lines wait a moment to be written together, never longer.
 */
import { bytesOf } from '../base/bytes.js'
import type { Options } from '../options/options.js'
import { openRunLog, type RunLog } from './run-log.js'
import { writeAll } from './write-all.js'

const HELD_BYTES = 65_536
const HELD_MS = 100

/** Lines of a run, one char per byte, without their end. */
export type Output = {
  /** Names go out as they are: whoever shows them escapes them. */
  readonly isRaw: boolean
  /** For the terminal alone. */
  line(text: string): void
  /** For the log as well. */
  told(text: string): void
  error(text: string): void
  /** An error that alone spoils no status: at a server's client it must not count as one. */
  warn(text: string): void
  /** A path as errors name it. */
  quoted(path: string): string
  /** @param isLast the line ends with it */
  progress(text: string, isLast: boolean): void
  log(text: string): void
  flush(): void
  close(): void
}

export class SyncOutput implements Output {
  readonly isRaw = false
  readonly #options: Options
  readonly #fd: number
  readonly #log: RunLog | null
  readonly #pending: Uint8Array[] = []
  #pendingBytes = 0
  #flushedMs = performance.now()
  /** A line of progress stands without its end. */
  #isOpen = false

  constructor(options: Options) {
    this.#options = options
    this.#fd = options.messagesTo === 'all' ? 2 : 1
    this.#log = openRunLog(options, 'client', (text) => this.line(text))
  }

  /** One char per byte. For the terminal alone. */
  line(text: string): void {
    if (this.#options.quiet) return
    this.#put(`${this.#isOpen ? '\n' : ''}${text}\n`)
    this.#isOpen = false
  }
  /** For the log as well. */
  told(text: string): void {
    this.line(text)
    this.log(text)
  }
  error(text: string): void {
    if (this.#isOpen) this.#put('\n')
    this.#isOpen = false
    this.flush()
    writeAll(2, bytesOf(`${text}\n`))
    this.log(text)
  }
  warn(text: string): void {
    this.error(text)
  }
  quoted(path: string): string {
    return `"${path}"`
  }
  /** @param isLast the line ends with it */
  progress(text: string, isLast: boolean): void {
    if (this.#options.quiet) return
    this.#put(`\r${text}${isLast ? '\n' : ''}`)
    this.#isOpen = !isLast
  }
  log(text: string): void {
    this.#log?.write(text)
  }

  #put(text: string): void {
    const bytes = bytesOf(text)
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    const isDue = performance.now() - this.#flushedMs > HELD_MS && this.#options.outbuf !== 'block'
    if (isDue || this.#pendingBytes > HELD_BYTES || this.#options.outbuf === 'none') this.flush()
  }
  flush(): void {
    this.#flushedMs = performance.now()
    if (this.#pending.length === 0) return
    writeAll(this.#fd, Buffer.concat(this.#pending.splice(0)))
    this.#pendingBytes = 0
  }
  close(): void {
    this.flush()
    this.#log?.close()
  }
}
