/** Which names of a tree are published: `--publish` and `--ignore`, looked up anew before each look at the tree. */
import { type ByteName, directoryOf, nameOfUtf8, ROOT_NAME } from '../base/byte-name.js'
import { globNames } from '../io/globs.js'
import type { Select } from './scan.js'

export class Selection {
  readonly #directory: string
  readonly #publish: readonly string[]
  readonly #ignore: readonly string[]
  /** Null: everything. Names that match, and all directories above them. */
  #names: ReadonlySet<ByteName> | null = null

  constructor(directory: string, publish: readonly string[], ignore: readonly string[]) {
    this.#directory = directory
    this.#publish = publish
    this.#ignore = ignore
  }

  readonly select: Select = (name) => this.#names === null || this.#names.has(name)

  /** Sees what matches now. */
  async look(): Promise<void> {
    if (this.#publish.length === 0 && this.#ignore.length === 0) return
    const names = new Set<ByteName>()
    for (const text of await globNames(this.#directory, this.#publish, this.#ignore)) {
      let name = nameOfUtf8(text)
      for (; name !== ROOT_NAME && !names.has(name); name = directoryOf(name)) names.add(name)
    }
    this.#names = names
  }
}
