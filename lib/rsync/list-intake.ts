/** The sender's lists as they are read, the first and those between its answers. prsync-protocol(7), incremental recursion. */
import type { Cursor } from '../base/bytes.js'
import { ProtocolError } from '../base/errors.js'
import type { WireEntry } from '../wire/file-entry.js'
import type { ListDecoder } from '../wire/list-decoder.js'
import { directoryOfNdx, NDX, type NdxReader } from '../wire/ndx.js'
import { has, type Terms } from '../wire/terms.js'
import type { WireReader } from './reader.js'
import type { ReceivedLists } from './received-lists.js'

export type ListIntakeParts = {
  readonly terms: Terms
  readonly reader: WireReader
  readonly numbers: NdxReader
  readonly decoder: ListDecoder
  readonly lists: ReceivedLists
  /** Bits of the sender's errors of reading. */
  readonly ioError: (bits: number) => void
}

export class ListIntake {
  readonly #parts: ListIntakeParts
  readonly #isIncremental: boolean
  #echoed = 0

  constructor(parts: ListIntakeParts) {
    this.#parts = parts
    this.#isIncremental = has(parts.terms, 'incremental')
  }

  /** The first list, and what has to be known before anything is decided. @returns is there anything in it? */
  async first(): Promise<boolean> {
    const { lists, reader, decoder, numbers } = this.#parts
    const entries = await this.#entries()
    if (!this.#isIncremental) {
      await reader.decode((c) => decoder.readIdLists(c))
      this.#tellErrors()
    }
    lists.acceptFirst(entries)
    // What comes alone may be given another name. Whether it is alone the next list says, which is not waited for.
    if (this.#isIncremental && entries.length < 2) {
      const number = await reader.decode((c) => numbers.read(c))
      if (!this.isList(number)) throw new ProtocolError(`entry ${number} before any was asked for`)
      await this.take(number)
    }
    return !lists.isEmpty
  }

  /** A list, or the end of lists, in place of an answer. */
  isList(number: number): boolean {
    return this.#isIncremental && (number === NDX.listEnd || directoryOfNdx(number) !== null)
  }
  async take(number: number): Promise<void> {
    const directory = directoryOfNdx(number)
    if (directory === null) this.#parts.lists.end()
    else this.#parts.lists.accept(directory, await this.#entries())
  }

  /** The sender echoed an end. @returns is it a list's and no phase's? */
  echo(): boolean {
    const { lists } = this.#parts
    if (!this.#isIncremental || this.#echoed >= lists.lists) return false
    this.#echoed++
    return this.#echoed < lists.lists || !lists.isWhole
  }

  async #entries(): Promise<WireEntry[]> {
    const { decoder, reader, lists } = this.#parts
    const entryOf = (c: Cursor): WireEntry | null => decoder.read(c)
    decoder.begin(lists.next)
    const entries: WireEntry[] = []
    for (;;) {
      const now = reader.decodeNow(entryOf)
      const entry = now === undefined ? await reader.decode(entryOf) : now
      if (entry === null) break
      entries.push(entry)
    }
    this.#tellErrors()
    return entries
  }
  #tellErrors(): void {
    const { decoder, ioError } = this.#parts
    if (decoder.ioError !== 0) ioError(decoder.ioError)
  }
}
