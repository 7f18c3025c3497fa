/**
 * Directories by the order in which the sender told of them: the lists that follow are named by these numbers.
 * prsync-protocol(7), incremental recursion.
 */
import { type ByteName, ROOT_NAME } from '../base/byte-name.js'
import { WireError } from '../base/errors.js'
import type { WireEntry } from '../wire/file-entry.js'
import { compareWire } from '../wire/list-order.js'
import { isDirectory, type ListRule, type ReceivedEntry } from './received-entry.js'
import type { ReceivedDirectory } from './received-tree.js'

export class DirectoryNumbers {
  readonly #protocol: number
  readonly #convert: ListRule['convert']
  /** Lost: it has no name here. Null: no list of it is to come, or it is there. */
  readonly #directories: (ReceivedDirectory | 'lost' | null)[] = []

  constructor(protocol: number, convert: ListRule['convert']) {
    this.#protocol = protocol
    this.#convert = convert
  }

  /** Whose list it is, once. @throws {WireError} on one that nobody announced */
  take(number: number): ReceivedDirectory | 'lost' {
    const directory = this.#directories[number] ?? null
    if (directory === null)
      throw new WireError(`a list of directory ${number}, which there is not`, { at: 'file list' })
    this.#directories[number] = null
    return directory
  }

  /** Those of a list. One that came twice has two numbers; its list goes by the first. */
  add(
    came: readonly WireEntry[],
    sorted: readonly (ReceivedEntry | null)[],
    find: (name: ByteName) => ReceivedDirectory | null,
  ): void {
    if (this.#convert !== null) return this.#addAsCame(came, this.#convert, find)
    // What was left out for another of its name has left its place empty; a directory has its number all the same.
    const all = sorted.includes(null) ? [...came].sort(compareWire(this.#protocol)) : sorted
    for (const [i, one] of all.entries()) {
      if (one === null || !isDirectory(one)) continue
      const entry = sorted[i] ?? null
      this.#directories.push(entry === null || entry.name === ROOT_NAME ? null : find(entry.name))
    }
  }
  /** Those of a list of a directory that has no name here. */
  addLost(came: readonly WireEntry[]): void {
    for (const entry of came) if (isDirectory(entry)) this.#directories.push('lost')
  }

  #addAsCame(
    came: readonly WireEntry[],
    convert: NonNullable<ListRule['convert']>,
    find: (name: ByteName) => ReceivedDirectory | null,
  ): void {
    const seen = new Set<string>()
    for (const entry of came) {
      if (!isDirectory(entry)) continue
      const converted = convert(entry)
      if (typeof converted === 'string') {
        this.#directories.push('lost')
        continue
      }
      const { name } = converted
      this.#directories.push(name === ROOT_NAME || seen.has(name) ? null : find(name))
      seen.add(name)
    }
  }
}
