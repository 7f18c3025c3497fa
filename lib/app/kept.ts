/**
 * Contents that were deleted or replaced, for --keep: nodes and clients with older indices still ask for them.
 * `.~prsync~/kept/<seconds>/<root>` is a further link to the file that stood, made before it goes, by a pull that began in
 * that second of the epoch. The index knows it as a place of its content: it is given to others and cloned from like any
 * other. Nothing else is written down: a run that is killed leaves links that expire like the rest.
 */
import { type ByteName, baseOf, byteName, directoryOf, joinName } from '../base/byte-name.js'
import { codeOf } from '../base/errors.js'
import { rootHex } from '../hash/root.js'
import { isSame, type Known } from '../io/directory-record.js'
import type { Store } from '../io/store.js'
import { type DiskTree, PRIVATE_NAME } from '../io/tree.js'

const KEPT = joinName(PRIVATE_NAME, 'kept')
/** What keeps a file from getting a further link: another mount, too many links, a link to it not allowed to us. */
const CANNOT_LINK = new Set(['EXDEV', 'EMLINK', 'EPERM'])

export class Kept {
  readonly #tree: DiskTree
  readonly #store: Store
  /** How long; null: what stands in the corner stays as it is, and nothing is added. */
  readonly #keepMs: number | null
  readonly #now: number
  #fresh: Known[] = []
  #isMade = false
  /** The directory last looked up: many files of one go together. */
  #last: { readonly directory: ByteName; readonly known: ReadonlyMap<string, Known> } | null = null

  /** @param nowMs when the pull began, since the epoch */
  constructor(tree: DiskTree, store: Store, keepMs: number | null, nowMs: number) {
    this.#tree = tree
    this.#store = store
    this.#keepMs = keepMs
    this.#now = Math.floor(nowMs / 1000)
  }

  /** Before what stands under `name` is deleted or replaced. Only bytes that were hashed here: nobody could ask for others. */
  keep(name: ByteName): void {
    if (this.#keepMs === null || this.#keepMs === 0) return
    const known = this.#knownOf(name)
    const stands = this.#tree.stat(name)
    if (known === undefined || known.root === null || !known.hashed) return
    if (stands?.kind !== 'file' || !isSame(known, stands)) return
    const made = joinName(this.#directory(), rootHex(known.root))
    if (this.#tree.stat(made) !== null) return
    try {
      this.#tree.link(name, made)
    } catch (error) {
      if (CANNOT_LINK.has(codeOf(error) ?? '')) return
      throw error
    }
    const linked = this.#tree.stat(made)
    if (linked === null) return
    const { base, ino, size, mtimeNs, ctimeNs } = linked
    this.#fresh.push({
      base,
      directory: false,
      ino,
      size,
      mtimeNs,
      ctimeNs,
      root: known.root,
      hashed: true,
    })
  }

  get hasNews(): boolean {
    return this.#fresh.length > 0
  }

  /** Within a transaction: what was kept can be found from now on. */
  flush(): void {
    if (!this.hasNews) return
    const directory = this.#directory()
    const before = this.#store.directory(directory)?.known ?? []
    const known = [...before, ...this.#fresh].sort((a, b) => (a.base < b.base ? -1 : 1))
    this.#store.putDirectory(directory, {
      page: null,
      built: false,
      files: 0,
      bytes: 0,
      settled: null,
      known,
    })
    this.#fresh = []
  }

  /** Removes what was kept long enough. */
  expire(): void {
    const keepMs = this.#keepMs
    if (keepMs === null) return
    for (const { directory, at } of this.#directories())
      if (this.#now - at >= keepMs / 1000) this.#remove(directory)
      // Made by a clock that went ahead: its time begins now.
      else if (at > this.#now) this.#redate(directory)
  }

  /** There is no room: what is kept goes first. False where nothing was. */
  dropAll(): boolean {
    const all = this.#directories()
    for (const { directory } of all) this.#remove(directory)
    this.#isMade = false
    this.#fresh = []
    return all.length > 0
  }

  #directories(): { directory: ByteName; at: number }[] {
    return (this.#tree.list(KEPT) ?? []).map(({ base }) => ({
      directory: joinName(KEPT, base),
      at: /^\d{1,12}$/.test(base) ? Number(base) : 0,
    }))
  }

  #directory(): ByteName {
    const directory = joinName(KEPT, byteName(`${this.#now}`))
    if (!this.#isMade) this.#tree.makeDirectories(directory)
    this.#isMade = true
    return directory
  }

  #remove(directory: ByteName): void {
    for (const { base } of this.#tree.list(directory) ?? [])
      this.#tree.remove(joinName(directory, base))
    this.#tree.removeDirectory(directory)
    this.#store.transaction(() => this.#store.putDirectory(directory, null))
  }

  #redate(directory: ByteName): void {
    const record = this.#store.directory(directory)
    const now = this.#directory()
    for (const { base } of this.#tree.list(directory) ?? [])
      this.#tree.rename(joinName(directory, base), joinName(now, base))
    this.#tree.removeDirectory(directory)
    this.#fresh.push(...(record?.known ?? []))
    this.#store.transaction(() => {
      this.#store.putDirectory(directory, null)
      this.flush()
    })
  }

  #knownOf(name: ByteName): Known | undefined {
    const directory = directoryOf(name)
    if (this.#last?.directory !== directory) {
      const known = this.#store.directory(directory)?.known ?? []
      this.#last = { directory, known: new Map(known.map((k) => [k.base, k])) }
    }
    return this.#last.known.get(baseOf(name))
  }
}
