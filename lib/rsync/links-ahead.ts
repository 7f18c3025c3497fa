/**
 * Names of one file, made known to the receiver as rsync's sender does it: enough of the list before anything is decided, the
 * rest directory by directory. Which of the names is brought, and which become links to it, follows. prsync-protocol(7), hard links.
 */
import { countLinks, isListed, type SourceDirectory } from './source-node.js'

/** So much is known of a list before its first entry is decided. */
const KNOWN_AHEAD = 500

export class LinksAhead {
  readonly #expect: (counts: ReadonlyMap<string, number>) => void
  readonly #known = new Set<SourceDirectory>()

  /** @param root listed as far as it is gone through @param isWhole the list is not sent in parts */
  constructor(
    root: SourceDirectory,
    isWhole: boolean,
    expect: (counts: ReadonlyMap<string, number>) => void,
  ) {
    this.#expect = expect
    let entries = root.entry === null ? 0 : 1
    for (const directory of inOrder(root)) {
      if (!isWhole && entries >= KNOWN_AHEAD) break
      this.enter(directory)
      entries += directory.listed?.length ?? 0
    }
  }

  /** Before what is in a directory is decided. */
  enter(directory: SourceDirectory): void {
    if (this.#known.has(directory)) return
    this.#known.add(directory)
    this.#expect(countLinks(directory))
  }
}

function* inOrder(directory: SourceDirectory): Generator<SourceDirectory> {
  yield directory
  for (const node of directory.listed ?? []) if (isListed(node)) yield* inOrder(node)
}
