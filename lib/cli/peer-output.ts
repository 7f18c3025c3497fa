/** Where a server's lines go: to its client as messages; errors to standard error, which a remote shell passes on, or there too. */
import { writeSync } from 'node:fs'
import type { ServerPort } from '../app/wire-server.js'
import { bytesOf } from '../base/bytes.js'
import type { Options } from '../options/options.js'
import type { Output } from './sync-output.js'
import { escapeName } from './sync-words.js'
import { withoutRoot } from './transfer-log.js'

/** The module of a daemon: clients hear of places in it, not where it stands. */
export type ModuleVoice = {
  readonly name: string
  readonly root: string
}

/** The daemon's, or a run's own. */
export type ServerLog = (line: string, isError?: boolean) => void

export class PeerOutput implements Output {
  readonly isRaw = true
  readonly #options: Options
  readonly #module: ModuleVoice | null
  readonly #log: ServerLog
  port: ServerPort | null = null

  /** @param module null: behind a remote shell */
  constructor(options: Options, module: ModuleVoice | null, log: ServerLog) {
    this.#options = options
    this.#module = module
    this.#log = log
  }

  line(text: string): void {
    if (!this.#options.quiet) this.port?.info(`${text}\n`)
  }
  told(text: string): void {
    this.line(text)
    this.log(text)
  }
  error(text: string): void {
    this.#say(text, false)
  }
  warn(text: string): void {
    this.#say(text, true)
  }
  #say(text: string, isWarning: boolean): void {
    const module = this.#module
    const root = module === null || module.root === '/' ? null : `${module.root}/`
    const shown = root === null ? text : text.replaceAll(root, '')
    this.#log(shown, true)
    const { msgs2stderr } = this.#options
    const goesOver = module !== null || msgs2stderr === false || (this.port?.protocol ?? 32) < 29
    if (goesOver && this.port !== null && isWarning) this.port.warning(`${shown}\n`)
    else if (goesOver && this.port !== null) this.port.error(`${shown}\n`)
    else writeSync(2, bytesOf(`${escapeName(shown, this.#options.eightBitOutput)}\n`))
  }
  quoted(path: string): string {
    const module = this.#module
    if (module === null) return `"${path}"`
    return `"${withoutRoot(path, module.root) || '.'}" (in ${module.name})`
  }
  log(text: string): void {
    this.#log(text)
  }
  progress(): void {}
  flush(): void {}
  close(): void {}
}
