/**
 * Pages as they were decoded lately: a look-up by name reads one page for each directory on its way, most often the same. A page that is
 * asked for once in a while is searched as it stands, as decoding all of it takes forty times as long.
 */
import type { Entry } from '../flist/entry.js'
import type { Root } from '../hash/root.js'
import { decodePage, isIndex, type Page } from '../snapshot/page.js'
import { searchPage } from '../snapshot/page-search.js'
import { entryIn } from './pages.js'
import { SeenOften } from './seen-often.js'
import { TwoAges } from './two-ages.js'

/** Of 32 KiB or so: some 100 KB each when decoded. */
const PAGES = 256

/** Where the page lies; its bytes are there only meanwhile. */
type LookAt = <T>(root: Root, read: (bytes: Uint8Array) => T) => T | null

export class PageCache {
  readonly #look: LookAt
  /** What a root names never changes. */
  readonly #pages = new TwoAges<Root, Page>(PAGES)
  /** A page of a hundred takes forty times as long to decode as to search. */
  readonly #searches = new SeenOften(1024, 4096, 16)

  constructor(look: LookAt) {
    this.#look = look
  }

  /** The entry of that name in the directory; null: none. @param root of the directory's page */
  entry(root: Root, base: string): Entry | null {
    return entryIn(root, base, (each) => this.#pages.get(each) ?? this.#search(each, base))
  }

  /** The page, or as much of it as is asked for. Null where it is not there. */
  #search(root: Root, base: string): Page | null {
    return this.#look(root, (bytes) => {
      if (!isIndex(bytes) && !this.#searches.again(hashOf(root))) {
        const entry = searchPage(bytes, base)
        return { kind: 'entries', entries: entry === null ? [] : [entry] }
      }
      const page = decodePage(bytes)
      this.#pages.set(root, page)
      return page
    })
  }
}

/** Roots are hashes: bytes of them spread. */
function hashOf(root: Root): number {
  return root.charCodeAt(0) | (root.charCodeAt(1) << 8)
}
