/** The receiver goes through the sender's list, depth first: a directory, what goes from it, its files, then its directories. */
import { type ByteName, baseOf, compareNames, ROOT_NAME } from '../base/byte-name.js'
import type { Options } from '../options/options.js'
import type { Doomed } from '../plan/deletions.js'
import type { Deleter } from './deleter.js'
import type { Generator } from './generator.js'
import type { Place } from './ground.js'
import type { Entry } from './request.js'

/** A directory of the list. */
export type WalkedDirectory<D> = {
  /** Null: it is only gone through. */
  readonly entry: Entry | null
  readonly name: ByteName
  /** Nothing in it: what it holds is not sent, and so nothing is extraneous. */
  readonly contents: readonly unknown[]
  /** Listed already, where the whole list was needed first. */
  listed: readonly (Entry | D)[] | null
  /** Last components in it that need nothing, and are not listed. */
  readonly alike?: ReadonlySet<string>
}
/** A list as the sender makes it on this machine, or as it comes from another. */
export type WalkedList<D extends WalkedDirectory<D>> = {
  readonly root: D
  /** Waits until it is known what is in it; null: it is. */
  open?(directory: D): Promise<void> | null
  enter?(directory: D): void
  leave?(): void
  list(directory: D): readonly (Entry | D)[]
  /** All its entries but directories were seen to. */
  passed?(directory: D): void
  /** Where lists go by names alone, all of it in that order; null: directory by directory. */
  straight?(): readonly WalkStep<D>[] | null
}
export type WalkStep<D> = {
  readonly node: Entry | D
  /** Directories above it, from the root. */
  readonly path: readonly D[]
}
/** Where nothing is to be done, found out in bulk. */
export type Skips<D> = {
  search(directory: D): Promise<void>
  isDone(name: ByteName): boolean
  /** From now on it is gone through, but for what is `alike`, which is known then. @returns false: it is done */
  visits(directory: D): boolean
  /** In it and below. */
  entriesIn(name: ByteName): number
}

export type WalkParts<D extends WalkedDirectory<D>> = {
  readonly options: Options
  readonly list: WalkedList<D>
  readonly generator: Generator
  readonly deleter: Deleter
  readonly mayDelete: () => boolean
  /** Nothing stands at the destination. */
  readonly isNew: boolean
  /** What has to be awaited before the next entry; null: nothing. */
  readonly pause: () => Promise<void> | null
  /** What takes long and has to be known of an entry before it is decided; null: nothing. */
  readonly ready?: (entry: Entry) => Promise<void> | null
  /** All that was begun is done. Null: it goes on after the walk. */
  readonly drain: (() => Promise<void>) | null
  readonly skips: Skips<D> | null
}

export class Walk<D extends WalkedDirectory<D>> {
  readonly #parts: WalkParts<D>
  readonly #doomed: Doomed[] = []
  readonly #places: Place[] = []
  /** What was in each directory, for deletions afterwards: what goes from the source meanwhile has come, and stays. */
  readonly #seen = new Map<D, Contents<D>>()
  #numbered = 0
  /** How far it is in the list, the entry at hand included; as rsync counts, which numbers a directory's entries at once. */
  passed = 0

  constructor(parts: WalkParts<D>) {
    this.#parts = parts
  }

  async run(): Promise<void> {
    const { options, list, generator, isNew, pause, drain } = this.#parts
    const { root } = list
    const opened = list.open?.(root) ?? null
    if (opened !== null) await opened
    if (options.deleting === 'before') {
      if (!isNew) await this.#parts.skips?.search(root)
      this.#sweep(root)
    }
    if (root.entry !== null && options.incRecursive) this.#numbered = 1
    const top: Place = { name: ROOT_NAME, isNew, isSkipped: false, entry: null }
    const steps = list.straight?.() ?? null
    if (steps === null) await this.#visit(root, top)
    else await this.#visitInOrder(steps, top)
    // Which of several names stands is known once all that was begun is done.
    if (drain === null) return
    await drain()
    generator.finishLinks()
    await drain()
    const last = pause()
    if (last !== null) await last
  }

  async #visit(directory: D, above: Place): Promise<void> {
    const { options, list, generator, deleter, pause: due, skips } = this.#parts
    const opened = list.open?.(directory) ?? null
    if (opened !== null) await opened
    const pause = due()
    if (pause !== null) await pause
    const place = generator.enter(directory.name, directory.entry, above)
    if (skips !== null && (await this.#isUnchanged(skips, directory, place))) {
      this.#places.push(place)
      return
    }
    list.enter?.(directory)
    const nodes = list.list(directory)
    if (options.deleting === 'after' && directory.listed === null)
      this.#seen.set(directory, contentsOf(directory, nodes))
    deleter.enter(directory.name)
    this.#deleteIn(directory, nodes, place)
    const { incRecursive } = options
    const first = this.#numbered
    const unlisted = options.progress ? [...(directory.alike ?? [])].sort(compareNames) : []
    this.#numbered += incRecursive ? nodes.length + unlisted.length : 0
    if (!incRecursive && directory.entry !== null) this.#numbered++
    let before = 0
    for (const [index, node] of nodes.entries()) {
      if (isWalked(node)) continue
      for (const base = baseOf(node.name); (unlisted[before] ?? base) < base; ) before++
      this.passed = incRecursive ? first + before + index + 1 : ++this.#numbered
      const ready = this.#parts.ready?.(node) ?? null
      if (ready !== null) await ready
      generator.file(node, place)
      const wait = due()
      if (wait !== null) await wait
    }
    list.passed?.(directory)
    for (const node of nodes) {
      if (!isWalked(node)) continue
      if (skips?.isDone(node.name) !== true) await this.#visit(node, place)
      else if (options.progress) this.#numbered += skips.entriesIn(node.name)
    }
    deleter.leave()
    list.leave?.()
    this.#places.push(place)
  }

  /** What stands in a directory may come apart from it. */
  async #visitInOrder(steps: readonly WalkStep<D>[], top: Place): Promise<void> {
    const { list, generator, deleter, pause } = this.#parts
    const places = new Map<D, Place>()
    const within: D[] = []
    const leaveTo = (depth: number): void => {
      for (; within.length > depth; within.pop()) {
        deleter.leave()
        list.leave?.()
      }
    }
    const placeOf = (directory: D, above: Place): Place => {
      const place = places.get(directory) ?? generator.enter(directory.name, directory.entry, above)
      places.set(directory, place)
      return place
    }
    const enter = (path: readonly D[]): Place => {
      const place = path.reduce((above, directory) => placeOf(directory, above), top)
      const shared = path.findIndex((directory, depth) => within[depth] !== directory)
      leaveTo(shared < 0 ? path.length : shared)
      for (const directory of path.slice(within.length)) {
        within.push(directory)
        list.enter?.(directory)
        deleter.enter(directory.name)
      }
      return place
    }
    for (const { node, path } of steps) {
      this.passed = ++this.#numbered
      if (isWalked(node)) {
        const place = enter([...path, node])
        this.#deleteIn(node, list.list(node), place)
      } else {
        const ready = this.#parts.ready?.(node) ?? null
        if (ready !== null) await ready
        generator.file(node, enter(path))
      }
      const wait = pause()
      if (wait !== null) await wait
    }
    leaveTo(0)
    this.#places.push(...[...places.values()].reverse())
  }

  /** Nothing is to be done in it or below. */
  async #isUnchanged(skips: Skips<D>, directory: D, place: Place): Promise<boolean> {
    if (!place.isNew && !place.isSkipped) await skips.search(directory)
    return !skips.visits(directory)
  }

  #deleteIn(directory: D, nodes: readonly (Entry | D)[], { isNew, isSkipped }: Place): void {
    const { options, deleter, mayDelete } = this.#parts
    const { deleting, dryRun } = options
    if (isSkipped || (isNew && dryRun)) return
    if ((deleting !== 'during' && deleting !== 'delay') || directory.contents.length === 0) return
    if (!mayDelete()) return
    const found = deleter.extraneous(directory.name, wantedIn(directory, nodes), isNew)
    if (deleting === 'during') deleter.remove(found)
    else this.#doomed.push(...found)
  }

  deleteAtEnd(): void {
    const { options, list, deleter } = this.#parts
    if (options.deleting === 'after') this.#sweep(list.root)
    deleter.remove(this.#doomed)
  }

  /** A pass of its own over all directories that are there. @param isBelow a directory that was named */
  #sweep(directory: D, isBelow = false): void {
    const { list, deleter, mayDelete, skips } = this.#parts
    if (skips?.visits(directory) === false) return
    list.enter?.(directory)
    const isNamed = directory.entry !== null && !directory.entry.isImplied
    if (isNamed && !isBelow) deleter.passBegins(directory.name)
    const seen = this.#seen.get(directory)
    if (seen === undefined) directory.listed ??= list.list(directory)
    const { wanted, directories } = seen ?? contentsOf(directory, directory.listed ?? [])
    deleter.enter(directory.name)
    if (directory.contents.length > 0 && mayDelete())
      deleter.remove(deleter.extraneous(directory.name, wanted))
    for (const inner of directories) this.#sweep(inner, isBelow || isNamed)
    deleter.leave()
    list.leave?.()
  }

  finishDirectories(): void {
    for (const place of this.#places) this.#parts.generator.leave(place)
  }
}

function isWalked<D extends WalkedDirectory<D>>(node: Entry | D): node is D {
  return 'contents' in node
}
type Contents<D> = { readonly wanted: ReadonlySet<string>; readonly directories: readonly D[] }
function contentsOf<D extends WalkedDirectory<D>>(
  directory: D,
  nodes: readonly (Entry | D)[],
): Contents<D> {
  return { wanted: wantedIn(directory, nodes), directories: nodes.filter(isWalked<D>) }
}
/** Last components of all that the source has there. */
function wantedIn<D extends WalkedDirectory<D>>(
  directory: D,
  nodes: readonly (Entry | D)[],
): ReadonlySet<string> {
  const wanted = new Set(directory.alike)
  for (const node of nodes) wanted.add(baseOf(node.name))
  return wanted
}
