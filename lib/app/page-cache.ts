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
/** Counters of searches, several pages to one; all begin anew after so many searches for each. */
const COUNTERS = 1024
const SEARCHES = 4
/** A page of a hundred takes forty times as long to decode as to search. */
const DECODED_AT = 16

/** Where the page lies; its bytes are there only meanwhile. */
type LookAt = <T>(root: Root, read: (bytes: Uint8Array) => T) => T | null

export class PageCache {
  readonly #look: LookAt
  /** By halves: when the younger one is full the older one is forgotten. What a root names never changes. */
  #young = new Map<Root, Page>()
  #old = new Map<Root, Page>()
  readonly #counts = new Uint8Array(COUNTERS)
  #searches = 0

  constructor(look: LookAt) {
    this.#look = look
  }

  /** The entry of that name in the directory; null: none. @param root of the directory's page */
  entry(root: Root, base: string): Entry | null {
    return entryIn(root, base, (each) => this.#page(each) ?? this.#search(each, base))
  }

  #page(root: Root): Page | null {
    const young = this.#young.get(root)
    if (young !== undefined) return young
    const old = this.#old.get(root)
    if (old === undefined) return null
    this.#keep(root, old)
    return old
  }

  #keep(root: Root, page: Page): void {
    this.#young.set(root, page)
    if (this.#young.size * 2 < PAGES) return
    this.#old = this.#young
    this.#young = new Map()
  }

  /** The page, or as much of it as is asked for. Null where it is not there. */
  #search(root: Root, base: string): Page | null {
    return this.#look(root, (bytes) => {
      if (!isIndex(bytes) && !this.#isWanted(root)) {
        const entry = searchPage(bytes, base)
        return { kind: 'entries', entries: entry === null ? [] : [entry] }
      }
      const page = decodePage(bytes)
      this.#keep(root, page)
      return page
    })
  }

  /** Is it searched so often that it is worth to be decoded? Roots are hashes: two bytes of them spread. */
  #isWanted(root: Root): boolean {
    if (++this.#searches % (SEARCHES * COUNTERS) === 0) this.#counts.fill(0)
    const at = (root.charCodeAt(0) | (root.charCodeAt(1) << 8)) % COUNTERS
    const times = (this.#counts[at] ?? 0) + 1
    this.#counts[at] = times % DECODED_AT
    return times === DECODED_AT
  }
}
