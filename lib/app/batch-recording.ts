/** A transfer as it is written down: what the sender says from the list on, whichever end it is at. rsync(1) BATCH MODE. */
import { Writer } from '../base/bytes.js'
import { BatchFile, writeBatchScript } from '../io/batch-file.js'
import type { Options } from '../options/options.js'
import type { ByteSink } from '../rsync/outgoing.js'
import { batchFlags, writeBatchHead } from '../wire/batch.js'
import { type WireStats, writeStats } from '../wire/farewell.js'
import type { Terms } from '../wire/terms.js'

/** So much is collected before it is written. */
const FULL_BYTES = 128 * 1024

export type Aside = ByteSink & { end(): void }

export class BatchRecording {
  readonly #file: BatchFile
  readonly #pending = new Writer(2 * FULL_BYTES)
  /** What came with the handshake, before the terms were known. */
  #early: Uint8Array[] | null = []

  /** @throws {FileError} {SelectionError} */
  constructor(path: string, script: string) {
    writeBatchScript(`${path}.sh`, script)
    this.#file = new BatchFile(path)
  }

  begin(options: Options, terms: Terms): void {
    const early = this.#early ?? []
    this.#early = null
    writeBatchHead(this.#pending, { flags: batchFlags(options), terms })
    for (const bytes of early) this.take(bytes)
  }
  /** Without frames. */
  readonly take = (bytes: Uint8Array): void => {
    if (this.#early !== null) {
      this.#early.push(Uint8Array.from(bytes))
      return
    }
    this.#pending.put(bytes)
    if (this.#pending.length >= FULL_BYTES) this.#flush()
  }
  /** A client that sends has no statistics to send, but a reader of the batch waits for them. */
  stats(stats: WireStats, protocol: number): void {
    writeStats(this.#pending, stats, protocol)
  }

  /** For what goes into the batch alone: whoever opens it writes there, and ends each part. */
  openAside(): Aside {
    const data = new Writer(2 * FULL_BYTES)
    const end = (): void => {
      this.take(data.done())
      data.reset()
    }
    const room = (): null => {
      if (data.length >= FULL_BYTES) end()
      return null
    }
    return { data, room, end }
  }

  /** @throws {FileError} */
  close(): void {
    try {
      this.#flush()
    } finally {
      this.#file.close()
    }
  }
  #flush(): void {
    this.#file.write(this.#pending.done())
    this.#pending.reset()
  }
}
