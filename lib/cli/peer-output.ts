/** Where a server's lines go: to its client as messages; errors to standard error, which a remote shell passes on, or there too. */
import { writeSync } from 'node:fs'
import type { ServerPort } from '../app/wire-server.js'
import { bytesOf } from '../base/bytes.js'
import type { Options } from '../options/options.js'
import type { Output } from './sync-output.js'
import { escapeName } from './sync-words.js'

export class PeerOutput implements Output {
  readonly isRaw = true
  readonly #options: Options
  readonly #isDaemon: boolean
  readonly #logged: (line: string) => void
  port: ServerPort | null = null

  /** @param logged for a daemon's log */
  constructor(options: Options, isDaemon: boolean, logged: (line: string) => void) {
    this.#options = options
    this.#isDaemon = isDaemon
    this.#logged = logged
  }

  line(text: string): void {
    if (!this.#options.quiet) this.port?.info(`${text}\n`)
  }
  told(text: string): void {
    this.line(text)
    this.log(text)
  }
  error(text: string): void {
    this.log(text)
    const { msgs2stderr } = this.#options
    const goesOver = this.#isDaemon || msgs2stderr === false || (this.port?.protocol ?? 32) < 29
    if (goesOver && this.port !== null) this.port.error(`${text}\n`)
    else writeSync(2, bytesOf(`${escapeName(text, this.#options.eightBitOutput)}\n`))
  }
  log(text: string): void {
    this.#logged(text)
  }
  progress(): void {}
  flush(): void {}
  close(): void {}
}
