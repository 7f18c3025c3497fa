/**
 * The files of a module that came lately, found in the pages of its snapshot: subtrees that did not change, and in which nothing came
 * lately, are not looked into again.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { joinName, ROOT_NAME } from '../base/byte-name.js'
import { sizeOf } from '../flist/entry.js'
import type { Root } from '../hash/root.js'
import type { PublishedFile } from '../mirror/release.js'
import type { ServedModule } from './module.js'

/** Files are listed no further than this: a repository that was touched as a whole is no release. */
const MOST_FILES = 200_000
/** Directories between two breaths. */
const SLICE = 200

export class ReleaseIndex {
  readonly #module: ServedModule
  /** Of subtrees, by their page: the last sequence in which a file came. */
  #newest = new Map<Root, number>()
  #looked = 0

  constructor(module: ServedModule) {
    this.#module = module
  }

  /** @param since the first sequence that is lately @returns null: too many */
  async since(since: number, signal: AbortSignal): Promise<PublishedFile[] | null> {
    const top = this.#module.entry(ROOT_NAME)
    const files: PublishedFile[] = []
    const known = this.#newest
    this.#newest = new Map()
    const look = async (page: Root | null, name: string): Promise<number> => {
      if (page === null) return 0
      const before = known.get(page)
      if (before !== undefined && before < since) {
        this.#newest.set(page, before)
        return before
      }
      if (++this.#looked % SLICE === 0) await breathe()
      signal.throwIfAborted()
      let newest = 0
      for (const entry of this.#module.list({ root: page })) {
        const child = joinName(name === '' ? ROOT_NAME : (name as typeof ROOT_NAME), entry.base)
        if (entry.kind === 'directory')
          newest = Math.max(newest, await look(entry.page?.root ?? null, child))
        if (entry.kind !== 'file') continue
        newest = Math.max(newest, entry.since)
        if (entry.since >= since && files.length <= MOST_FILES)
          files.push({ name: child, bytes: sizeOf(entry), since: entry.since })
      }
      this.#newest.set(page, newest)
      return newest
    }
    await look(top?.kind === 'directory' ? (top.page?.root ?? null) : null, '')
    return files.length > MOST_FILES ? null : files
  }
}
