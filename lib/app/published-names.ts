/** What a centre has published of a module: names, as its index has them now. prsyncd.conf(5), published by. */
import { type ByteName, baseOf, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { openIndex } from '../io/lmdb-tables.js'
import { decodeHead } from '../snapshot/head.js'
import { findEntry, readDirectoryPage } from './pages.js'

export class PublishedNames {
  readonly #index: ReturnType<typeof openIndex>
  /** The directory that was asked for last: lists are made one directory after the other. */
  #last: { readonly directory: ByteName; readonly bases: ReadonlySet<string> } | null = null

  /** @param path of the module's index @throws {StartupError} */
  constructor(path: string) {
    this.#index = openIndex(path)
  }

  /** There is a snapshot. */
  get isThere(): boolean {
    return this.#index.value('head') !== null
  }
  has(name: ByteName): boolean {
    if (name === ROOT_NAME) return true
    const directory = directoryOf(name)
    if (this.#last?.directory !== directory)
      this.#last = { directory, bases: this.#basesIn(directory) }
    return this.#last.bases.has(baseOf(name))
  }

  #basesIn(directory: ByteName): ReadonlySet<string> {
    const { value, blob } = this.#index
    const signed = value('head')
    const { page } = signed === null ? { page: null } : decodeHead(signed)
    const entry = findEntry(page, directory, blob)
    const entries = entry?.kind === 'directory' ? readDirectoryPage(entry.page, blob) : null
    return new Set(entries?.map(({ base }) => base))
  }
}
