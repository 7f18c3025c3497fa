/**
 * Pages as they were decoded lately: a look-up by name reads one page for each directory on its way, most often the same. A page that is
 * asked for once in a while is searched as it stands, as decoding all of it takes forty times as long.
 */
import type { Entry } from '../flist/entry.js'
import type { Root } from '../hash/root.js'
import { decodePage, isIndex, type Page } from '../snapshot/page.js'
import { searchPage } from '../snapshot/page-search.js'
import { entryIn } from './pages.js'

/** Of 32 KiB or so: some 100 KB each when decoded. */
const PAGES = 256
/** A page of a hundred takes forty times as long to decode as to search. */
const DECODED_AT = 16

/** Where the page lies; its bytes are there only meanwhile. */
type LookAt = <T>(root: Root, read: (bytes: Uint8Array) => T) => T | null

export class PageCache {
  readonly #look: LookAt
  /** The one used longest ago first. What a root names never changes. */
  readonly #pages = new Map<Root, Page>()
  /** How often one was searched lately, the oldest first. */
  readonly #searched = new Map<Root, number>()

  constructor(look: LookAt) {
    this.#look = look
  }

  /** The entry of that name in the directory; null: none. @param root of the directory's page */
  entry(root: Root, base: string): Entry | null {
    return entryIn(root, base, (each) => this.#page(each) ?? this.#search(each, base))
  }

  #page(root: Root): Page | null {
    const known = this.#pages.get(root)
    if (known === undefined) return null
    this.#pages.delete(root)
    this.#pages.set(root, known)
    return known
  }

  /** The page, or as much of it as is asked for. Null where it is not there. */
  #search(root: Root, base: string): Page | null {
    return this.#look(root, (bytes) => {
      if (!isIndex(bytes) && !this.#isWanted(root)) {
        const entry = searchPage(bytes, base)
        return { kind: 'entries', entries: entry === null ? [] : [entry] }
      }
      const page = decodePage(bytes)
      this.#pages.set(root, page)
      const oldest = this.#pages.keys().next()
      if (this.#pages.size > PAGES && oldest.done !== true) this.#pages.delete(oldest.value)
      return page
    })
  }

  /** Is it searched so often that it is worth to be decoded? */
  #isWanted(root: Root): boolean {
    const times = (this.#searched.get(root) ?? 0) + 1
    if (times >= DECODED_AT) return this.#searched.delete(root)
    this.#searched.set(root, times)
    const oldest = this.#searched.keys().next()
    if (this.#searched.size > PAGES && oldest.done !== true) this.#searched.delete(oldest.value)
    return false
  }
}
