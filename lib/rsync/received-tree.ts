/** Directories of a list that came, as a tree: made of the first list, which may hold all of them, and pruned. */
import { type ByteName, baseOf, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { WireError } from '../base/errors.js'
import { compareSiblings } from '../flist/list-entry.js'
import { isDirectory, type ReceivedEntry } from './received-entry.js'
import type { WalkStep } from './walk.js'

export type ReceivedDirectory = {
  readonly entry: ReceivedEntry | null
  readonly name: ByteName
  /** Empty: what it holds is not sent. */
  readonly contents: readonly unknown[]
  listed: readonly ReceivedNode[] | null
  /** The number of the first entry of its list; null: it has not come, or it has none of its own. */
  start: number | null
}
export type ReceivedNode = ReceivedEntry | ReceivedDirectory

const CONTENTS: readonly unknown[] = [true]
const NOTHING: readonly unknown[] = []

/** A directory that is only gone through. */
export function unlistedDirectory(name: ByteName): ReceivedDirectory {
  return { entry: null, name, contents: NOTHING, listed: null, start: null }
}
/** An entry, or the directory of one. */
export function nodeOf(entry: ReceivedEntry): ReceivedNode {
  if (!isDirectory(entry)) return entry
  return { entry, name: entry.name, contents: contentsOf(entry), listed: null, start: null }
}
function contentsOf({ isBare }: ReceivedEntry): readonly unknown[] {
  return isBare ? NOTHING : CONTENTS
}

/** The first list, as it becomes a tree. */
export class FirstList {
  readonly #root: ReceivedDirectory
  readonly #isIncremental: boolean
  readonly #at: Map<string, ReceivedDirectory>
  readonly #children: Map<ReceivedDirectory, ReceivedNode[]>

  /** @param isIncremental it has one level, and those below come in lists of their own */
  constructor(root: ReceivedDirectory, isIncremental: boolean) {
    this.#root = root
    this.#isIncremental = isIncremental
    this.#at = new Map([[ROOT_NAME, root]])
    this.#children = new Map([[root, []]])
  }

  /** @throws {WireError} where what it stands in is not in the list */
  add(entry: ReceivedEntry): void {
    if (entry.name === ROOT_NAME) {
      Object.assign(this.#root, { entry, contents: contentsOf(entry) })
      if (this.#isIncremental) entry.number = 0
      return
    }
    const above = this.#placeOf(directoryOf(entry.name))
    const node = nodeOf(entry)
    if ('contents' in node) {
      this.#at.set(node.name, node)
      if (!this.#isIncremental) this.#children.set(node, [])
    }
    this.#children.get(above)?.push(node)
  }

  find(name: ByteName): ReceivedDirectory | null {
    return this.#at.get(name) ?? null
  }

  /** All of it is in. */
  finish(protocol: number): void {
    for (const [directory, nodes] of this.#children)
      directory.listed = protocol < 29 ? nodes.sort(compareNodes) : nodes
  }

  /** The directory of a name; one that is not in the list is only gone through. */
  #placeOf(name: ByteName): ReceivedDirectory {
    const known = this.#at.get(name)
    if (known !== undefined) return known
    if (this.#isIncremental) throw new WireError(`${name} is not in the list`, { at: 'file list' })
    const made = unlistedDirectory(name)
    this.#at.set(name, made)
    this.#children.set(made, [])
    this.#children.get(this.#placeOf(directoryOf(name)))?.push(made)
    return made
  }
}

function compareNodes(a: ReceivedNode, b: ReceivedNode): number {
  return compareSiblings(keyOf(a), keyOf(b))
}
function keyOf(node: ReceivedNode): { base: string; kind: string } {
  return { base: baseOf(node.name), kind: 'contents' in node ? 'directory' : 'file' }
}

/** Directories without anything but such are left out. @returns is anything in it? */
export function prune(
  directory: ReceivedDirectory,
  keepsEmpty: (name: ByteName) => boolean,
): boolean {
  directory.listed = (directory.listed ?? []).filter(
    (node) => !('contents' in node) || prune(node, keepsEmpty) || keepsEmpty(node.name),
  )
  return directory.listed.length > 0
}

/** All of a tree in the order of its numbers. */
export function stepsByNumber(root: ReceivedDirectory): readonly WalkStep<ReceivedDirectory>[] {
  const steps: WalkStep<ReceivedDirectory>[] = []
  const add = (directory: ReceivedDirectory, above: readonly ReceivedDirectory[]): void => {
    if (directory.entry !== null) steps.push({ node: directory, path: above })
    const path = [...above, directory]
    for (const node of directory.listed ?? [])
      if ('contents' in node) add(node, path)
      else steps.push({ node, path })
  }
  add(root, [])
  return steps.sort((a, b) => numberOf(a.node) - numberOf(b.node))
}
function numberOf(node: WalkStep<ReceivedDirectory>['node']): number {
  return ('contents' in node ? node.entry?.number : node.number) ?? 0
}
