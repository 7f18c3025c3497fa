/** Other directories of the receiver that may hold a file already. rsync(1) --compare-dest, --copy-dest, --link-dest. */
import type { ByteName } from '../base/byte-name.js'
import { codeOf } from '../base/errors.js'
import type { Standing } from '../host.js'
import { isTold } from '../plan/iflags.js'
import type { AttributeWork } from './attributes.js'
import type { Entry } from './request.js'
import type { ReceivingTree, SourceTree } from './trees.js'

export type Alternate = {
  /** Which of the directories it is. */
  readonly index: number
  readonly tree: SourceTree
  readonly name: ByteName
  readonly seen: Standing
  /** There, of the same kind; with the same content; with the same attributes too. */
  readonly match: 'kind' | 'content' | 'exact'
  /** What differs from the entry. */
  readonly flags: number
}

export type SameThere = (entry: Entry, tree: SourceTree, name: ByteName, seen: Standing) => boolean

const RANK = { kind: 1, content: 2, exact: 3 } as const

export class Alternates {
  readonly kind: 'compare' | 'copy' | 'link'
  readonly #trees: readonly { readonly index: number; readonly tree: SourceTree }[]
  readonly #attributes: AttributeWork
  readonly #isSame: SameThere

  constructor(
    kind: 'compare' | 'copy' | 'link',
    directories: readonly string[],
    to: ReceivingTree,
    attributes: AttributeWork,
    isSame: SameThere,
  ) {
    this.kind = kind
    this.#trees = directories
      .map((directory, index) => ({ index, tree: to.other(directory) }))
      .filter((one): one is { index: number; tree: SourceTree } => one.tree !== null)
    this.#attributes = attributes
    this.#isSame = isSame
  }

  /** The best there is, the first of the best. */
  find(entry: Entry, name: ByteName): Alternate | null {
    let best: Alternate | null = null
    for (const { index, tree } of this.#trees) {
      const found = this.#look(entry, index, tree, name)
      if (found === null) continue
      if (best === null || RANK[found.match] > RANK[best.match]) best = found
      if (best.match === 'exact') break
    }
    return best
  }

  #look(entry: Entry, index: number, tree: SourceTree, name: ByteName): Alternate | null {
    const seen = standingAt(tree, name)
    if (seen === null || seen.kind !== entry.stands.kind) return null
    const isSame = this.#isSame(entry, tree, name, seen)
    const isTransfer = !isSame && entry.stands.kind !== 'directory'
    const flags = this.#attributes.differences(entry, tree, name, seen, isTransfer)
    const match = !isSame ? 'kind' : isTold(flags) ? 'content' : 'exact'
    return { index, tree, name, seen, match, flags }
  }
}

/** What may not be looked at is no help, and is not told: as if it were not there. */
function standingAt(tree: SourceTree, name: ByteName): Standing | null {
  try {
    return tree.stat(name)
  } catch (error) {
    if (codeOf(error) === undefined) throw error
    return null
  }
}
