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

export class PageCache {
  readonly #blob: (root: Root) => Uint8Array | null
  /** The one used longest ago first. What a root names never changes. */
  readonly #pages = new Map<Root, Page>()
  /** Searched once lately, the oldest first. */
  readonly #once = new Set<Root>()

  constructor(blob: (root: Root) => Uint8Array | null) {
    this.#blob = blob
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

  /** The page, or for once as much of it as is asked for. Null where it is not there. */
  #search(root: Root, base: string): Page | null {
    const bytes = this.#blob(root)
    if (bytes === null) return null
    if (!isIndex(bytes) && !this.#once.delete(root)) {
      keep(this.#once, root)
      const entry = searchPage(bytes, base)
      return { kind: 'entries', entries: entry === null ? [] : [entry] }
    }
    const page = decodePage(bytes)
    this.#pages.set(root, page)
    const oldest = this.#pages.keys().next()
    if (this.#pages.size > PAGES && oldest.done !== true) this.#pages.delete(oldest.value)
    return page
  }
}

function keep(roots: Set<Root>, root: Root): void {
  roots.add(root)
  const oldest = roots.keys().next()
  if (roots.size > PAGES && oldest.done !== true) roots.delete(oldest.value)
}
