/**
 * The rules in force for what is found at a source. Files of rules count for what is below them in the same source, as the
 * transfer has it: nothing above a source counts, but with -R the directories that are sent with it. rsync(1) MERGE-FILE FILTER RULES.
 */
import { type ByteName, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import type { Filter } from '../flist/filter-match.js'
import { type Contents, pathOf, type SourceDirectory } from './source-node.js'
import type { SourceTree } from './trees.js'

export class SourceFilters {
  readonly #root: SourceDirectory
  readonly #isIncremental: boolean
  readonly #filterOf: (tree: SourceTree) => Filter
  readonly #bare = new Map<SourceTree, Filter>()
  readonly #named = new Map<SourceTree, Map<ByteName, Filter>>()

  /** @param isIncremental rsync then has the file of the first source that is the root count for all others too */
  constructor(
    root: SourceDirectory,
    isIncremental: boolean,
    filterOf: (tree: SourceTree) => Filter,
  ) {
    this.#root = root
    this.#isIncremental = isIncremental
    this.#filterOf = filterOf
  }

  /** Of what is named, before any directory was gone into. */
  of(tree: SourceTree): Filter {
    return known(this.#bare, tree, () => this.#filterOf(tree))
  }

  /** In a place that a directory is sent from. */
  within(directory: ByteName, place: Contents): Filter {
    if (directory === ROOT_NAME && this.#isIncremental) return this.named(place.tree, ROOT_NAME)
    const above = place.above ?? this.#above(place.tree, directory)
    return above.within(directory, pathOf(place))
  }

  /** In a directory above what was named, once all sources are known. */
  named(tree: SourceTree, directory: ByteName): Filter {
    const ofTree = known(this.#named, tree, () => new Map<ByteName, Filter>())
    return known(ofTree, directory, () => {
      if (directory !== ROOT_NAME)
        return this.#above(tree, directory).within(directory, pathOf({ tree, name: directory }))
      const [first] = this.#root.contents
      const bare = this.of(tree)
      return first === undefined || !this.#isIncremental
        ? bare
        : bare.within(ROOT_NAME, pathOf(first))
    })
  }
  #above(tree: SourceTree, directory: ByteName): Filter {
    return directory === ROOT_NAME ? this.of(tree) : this.named(tree, directoryOf(directory))
  }
}

function known<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const before = map.get(key)
  if (before !== undefined) return before
  const made = make()
  map.set(key, made)
  return made
}
