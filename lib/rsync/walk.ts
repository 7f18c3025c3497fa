/** The receiver goes through the sender's list, depth first: a directory, what goes from it, its files, then its directories. */
import { baseOf, ROOT_NAME } from '../base/byte-name.js'
import type { Options } from '../options/options.js'
import type { Deletion } from '../plan/deletions.js'
import type { Deleter } from './deleter.js'
import type { Entry, Generator, Place } from './generator.js'
import { isListed, type SourceDirectory, type SourceList } from './source-list.js'
import type { Unchanged } from './unchanged.js'

export class Walk {
  readonly #options: Options
  readonly #list: SourceList
  readonly #generator: Generator
  readonly #deleter: Deleter
  readonly #mayDelete: () => boolean
  readonly #isNew: boolean
  readonly #doomed: Deletion[] = []
  readonly #places: Place[] = []
  readonly #pause: () => Promise<void> | null
  readonly #drain: () => Promise<void>
  readonly #unchanged: Unchanged
  #numbered = 0
  /** How far it is in the list, the entry at hand included; as rsync counts, which numbers a directory's entries at once. */
  passed = 0

  constructor(
    options: Options,
    list: SourceList,
    generator: Generator,
    deleter: Deleter,
    mayDelete: () => boolean,
    isNew: boolean,
    pause: () => Promise<void> | null,
    drain: () => Promise<void>,
    unchanged: Unchanged,
  ) {
    this.#options = options
    this.#list = list
    this.#generator = generator
    this.#deleter = deleter
    this.#mayDelete = mayDelete
    this.#isNew = isNew
    this.#pause = pause
    this.#drain = drain
    this.#unchanged = unchanged
  }

  async run(): Promise<void> {
    const { root } = this.#list
    if (this.#options.deleting === 'before') this.#sweep(root)
    if (root.entry !== null && this.#options.incRecursive) this.#numbered = 1
    const top: Place = { name: ROOT_NAME, isNew: this.#isNew, isSkipped: false, entry: null }
    await this.#visit(root, top)
    this.#list.countUnlisted(this.#unchanged.tally())
    // Which of several names stands is known once all that was begun is done.
    await this.#drain()
    this.#generator.finishLinks()
    await this.#drain()
    const last = this.#pause()
    if (last !== null) await last
  }

  async #visit(directory: SourceDirectory, above: Place): Promise<void> {
    const pause = this.#pause()
    if (pause !== null) await pause
    const list = this.#list
    const place = this.#generator.enter(directory.name, directory.entry, above)
    if (await this.#isUnchanged(directory, place)) {
      this.#places.push(place)
      return
    }
    list.enter(directory)
    const nodes = list.list(directory)
    this.#deleter.enter(directory.name)
    if (!place.isNew && !place.isSkipped) this.#deleteIn(directory, nodes)
    const { incRecursive } = this.#options
    const first = this.#numbered
    this.#numbered += incRecursive ? nodes.length : 0
    if (!incRecursive && directory.entry !== null) this.#numbered++
    for (const [index, node] of nodes.entries()) {
      if (isListed(node)) continue
      this.passed = incRecursive ? first + index + 1 : ++this.#numbered
      this.#generator.file(node, place)
      const wait = this.#pause()
      if (wait !== null) await wait
    }
    for (const node of nodes)
      if (isListed(node) && !this.#unchanged.isDone(node.name)) await this.#visit(node, place)
    this.#deleter.leave()
    list.leave()
    this.#places.push(place)
  }

  /** Nothing is to be done in it or below. */
  async #isUnchanged(directory: SourceDirectory, place: Place): Promise<boolean> {
    const unchanged = this.#unchanged
    const { name } = directory
    if (!place.isNew && !place.isSkipped) await unchanged.search(directory)
    if (unchanged.isDone(name)) return true
    unchanged.visit(name)
    return false
  }

  #deleteIn(directory: SourceDirectory, nodes: readonly (SourceDirectory | Entry)[]): void {
    const { deleting } = this.#options
    if ((deleting !== 'during' && deleting !== 'delay') || directory.contents.length === 0) return
    if (!this.#mayDelete()) return
    const found = this.#deleter.extraneous(directory.name, basesOf(nodes))
    if (deleting === 'during') this.#deleter.remove(found)
    else this.#doomed.push(...found)
  }

  deleteAtEnd(): void {
    if (this.#options.deleting === 'after') this.#sweep(this.#list.root)
    this.#deleter.remove(this.#doomed)
  }

  /** A pass of its own over all directories that are there. */
  #sweep(directory: SourceDirectory): void {
    const list = this.#list
    list.enter(directory)
    directory.listed ??= list.list(directory)
    this.#deleter.enter(directory.name)
    if (directory.contents.length > 0 && this.#mayDelete())
      this.#deleter.remove(this.#deleter.extraneous(directory.name, basesOf(directory.listed)))
    for (const node of directory.listed) if (isListed(node)) this.#sweep(node)
    this.#deleter.leave()
    list.leave()
  }

  finishDirectories(): void {
    for (const place of this.#places) this.#generator.leave(place)
  }
}

function basesOf(nodes: readonly (SourceDirectory | Entry)[]): ReadonlySet<string> {
  return new Set(nodes.map((node) => baseOf(node.name)))
}
