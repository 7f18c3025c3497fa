/** Pages as they were decoded lately: a look-up by name reads one page for each directory on its way, most often the same. */
import type { Root } from '../hash/root.js'
import { decodePage, type Page } from '../snapshot/page.js'

/** Of 32 KiB or so: some 100 KB each when decoded. */
const PAGES = 256

export class PageCache {
  readonly #blob: (root: Root) => Uint8Array | null
  /** The one used longest ago first. What a root names never changes. */
  readonly #pages = new Map<Root, Page>()

  constructor(blob: (root: Root) => Uint8Array | null) {
    this.#blob = blob
  }

  /** Null where it is not there. */
  page(root: Root): Page | null {
    const known = this.#pages.get(root)
    if (known !== undefined) {
      this.#pages.delete(root)
      this.#pages.set(root, known)
      return known
    }
    const bytes = this.#blob(root)
    if (bytes === null) return null
    const page = decodePage(bytes)
    this.#pages.set(root, page)
    const oldest = this.#pages.keys().next()
    if (this.#pages.size > PAGES && oldest.done !== true) this.#pages.delete(oldest.value)
    return page
  }
}
