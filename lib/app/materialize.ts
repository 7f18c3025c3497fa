/**
 * Makes entries stand under their names: everything is built in our own corner of the tree, whole and with its attributes,
 * and appears by one rename. What was done is written to the index in batches.
 */
import {
  type ByteName,
  baseOf,
  byteName,
  directoryOf,
  joinName,
  ROOT_NAME,
} from '../base/byte-name.js'
import { codeOf, FileError, messageOf } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import type { DirectoryEntry, Entry } from '../flist/entry.js'
import type { Root } from '../hash/root.js'
import { isSame, type Known, knownOf } from '../io/directory-record.js'
import { type AttributeChoice, applyAttributes } from '../io/entry-attributes.js'
import type { PartialFile } from '../io/partial.js'
import { clonePrivate, writePrivate } from '../io/private-corner.js'
import type { Store } from '../io/store.js'
import { type DiskTree, PRIVATE_NAME } from '../io/tree.js'
import { mergeKnown } from './index-tree.js'
import type { Kept } from './kept.js'
import type { Job } from './pull-plan.js'

/** Committed files that are written to the index together. */
const TRANSACTION_FILES = 2048
const NEW = joinName(PRIVATE_NAME, 'new')

/** Errors after which nothing else would work either. */
const FATAL: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'disk quota exceeded',
  EROFS: 'the file system is read-only',
  EIO: 'input/output error',
}

export class Materializer {
  readonly #tree: DiskTree
  readonly #store: Store
  readonly #choice: AttributeChoice
  readonly #outcome: Outcome
  readonly #kept: Kept
  /** --delete or --force: a directory that is not empty may make way. */
  readonly #force: boolean
  readonly #indexed: (roots: readonly Root[]) => void
  readonly #expected = new Map<ByteName, DirectoryEntry>()
  readonly #dirty = new Set<ByteName>()
  #fresh = new Map<ByteName, Map<string, Known>>()
  #freshCount = 0
  readonly #leaves = new Map<Root, Uint8Array>()
  #serial = 0

  constructor(
    tree: DiskTree,
    store: Store,
    choice: AttributeChoice,
    outcome: Outcome,
    kept: Kept,
    force: boolean,
    /** Contents that the index finds from now on, so that they can be given to others. */
    indexed: (roots: readonly Root[]) => void,
  ) {
    this.#tree = tree
    this.#store = store
    this.#choice = choice
    this.#outcome = outcome
    this.#kept = kept
    this.#force = force
    this.#indexed = indexed
  }

  /** Our own corner, without what a run that was killed left half made. */
  prepare(): void {
    this.#kept.expire()
    this.#tree.makeDirectories(joinName(PRIVATE_NAME, 'partial'))
    this.#tree.makeDirectories(NEW)
    for (const left of this.#tree.list(NEW) ?? []) this.#tree.remove(joinName(NEW, left.base))
  }

  /** Runs what spoils at most one file: its error is a fault of that name, unless no other file could fare better. */
  attempt(name: ByteName, act: () => void): boolean {
    try {
      act()
      return true
    } catch (error) {
      const code = codeOf(error)
      if (code === undefined && !(error instanceof FileError)) throw error
      const fatal = code === undefined ? undefined : FATAL[code]
      if (fatal !== undefined)
        throw new FileError(
          `${fatal} (while writing ${name}); what is complete stays, run again to go on`,
          { cause: error },
        )
      this.#outcome.fault(name, messageOf(error))
      return false
    }
  }

  // ---- directories, links, special files ------------------------------------------------------

  /** A directory of the snapshot, as it is passed: if anything in it changes, it gets these attributes at the end. */
  expect(name: ByteName, entry: DirectoryEntry): void {
    this.#expected.set(name, entry)
  }

  makeDirectory(name: ByteName): void {
    this.#writable(directoryOf(name))
    if (this.#tree.stat(name) !== null) this.#tree.remove(name)
    // Ours alone until it is filled; its own mode comes last.
    this.#tree.makeDirectory(name, 0o700)
    this.#dirty.add(name)
    this.#dirty.add(directoryOf(name))
  }

  /** Its attributes are wrong. */
  touchDirectory(name: ByteName): void {
    this.#dirty.add(name)
  }

  other(name: ByteName, entry: Entry): void {
    const made = this.#newName()
    if (entry.kind === 'symlink') this.#tree.symlink(entry.target, made)
    else this.#tree.makeNode(entry, made)
    this.#appear(made, name, entry)
  }

  touch(name: ByteName, entry: Entry): void {
    const hashed = this.#isHashed(name)
    applyAttributes(this.#tree, name, entry, this.#choice)
    if (entry.kind === 'file') this.#note(name, entry.content?.root ?? null, hashed)
  }

  // ---- files ------------------------------------------------------------------------------------

  /** Verified bytes of a whole content, or nothing for an empty file. */
  bytes(job: Job, bytes: Uint8Array): void {
    const made = this.#newName()
    writePrivate(this.#tree, privateOf(made), bytes)
    this.#appearFile(made, job)
  }

  /** A partial content that is whole now becomes the file. */
  partial(job: Job, partial: PartialFile): void {
    const made = joinName(PRIVATE_NAME, partial.name)
    this.#appearFile(made, job)
    partial.forget()
  }

  /** A copy of an open file in our corner, which may still have to be checked: `accept` or `reject` it. */
  stage(from: number, length: number): ByteName {
    const made = this.#newName()
    clonePrivate(this.#tree, privateOf(made), from, length)
    return made
  }
  accept(staged: ByteName, job: Job): void {
    this.#appearFile(staged, job)
  }
  reject(staged: ByteName): void {
    this.#tree.remove(staged)
  }

  /** A further name of a file that stands. */
  hardLink(job: Job, leader: ByteName): void {
    const made = this.#newName()
    const isLeaderHashed = this.#isHashed(leader)
    this.#tree.link(leader, made)
    this.#makeWay(job.name)
    this.#writable(directoryOf(job.name))
    this.#kept.keep(job.name)
    this.#tree.rename(made, job.name)
    // Renaming over another name of the same file does nothing and leaves both: rename(2).
    if (this.#tree.stat(made) !== null) this.#tree.remove(made)
    this.#dirty.add(directoryOf(job.name))
    const root = job.entry.content?.root ?? null
    this.#note(job.name, root, true)
    // Its ctime tells of the new name: without this it would be taken for another file.
    this.#note(leader, root, isLeaderHashed)
  }

  // ---- removing ---------------------------------------------------------------------------------

  remove(name: ByteName, isDirectory: boolean): void {
    this.#writable(directoryOf(name))
    if (isDirectory) this.#removeBelow(name)
    else this.#removeFile(name)
    this.#dirty.add(directoryOf(name))
  }

  #removeBelow(directory: ByteName): void {
    this.#writable(directory)
    for (const s of this.#tree.list(directory) ?? []) {
      const name = joinName(directory, s.base)
      if (s.kind === 'directory') this.#removeBelow(name)
      else this.#removeFile(name)
    }
    this.#tree.removeDirectory(directory)
    this.#store.transaction(() => {
      this.#kept.flush()
      this.#store.putDirectory(directory, null)
    })
  }

  #removeFile(name: ByteName): void {
    this.#kept.keep(name)
    this.#tree.remove(name)
  }

  // ---- the end ----------------------------------------------------------------------------------

  /**
   * Directories get their own attributes last, the deepest first: filling them changed their times.
   * @param entryOf the entry of a directory that was not passed, as what it stands in is in order
   */
  finishDirectories(entryOf: (name: ByteName) => Entry | null): void {
    const names = [...this.#dirty.keys()].sort((a, b) => b.length - a.length)
    for (const name of names) {
      const entry = this.#expected.get(name) ?? entryOf(name)
      if (entry !== null)
        this.attempt(name, () => applyAttributes(this.#tree, name, entry, this.#choice))
    }
    this.#dirty.clear()
  }

  /** Leaf hashes of a content that became whole: with them it can be proved to others. */
  keepLeaves(root: Root, leaves: Uint8Array): void {
    this.#leaves.set(root, leaves)
  }

  flushIndex(): void {
    const fresh = this.#fresh
    this.#fresh = new Map()
    this.#freshCount = 0
    if (this.#kept.hasNews) this.#store.transaction(() => this.#kept.flush())
    if (fresh.size === 0) return
    const leaves = [...this.#leaves]
    this.#leaves.clear()
    this.#store.transaction(() => {
      for (const [root, packed] of leaves) this.#store.leaves.put(root, packed)
      for (const [directory, known] of fresh) mergeKnown(this.#store, directory, known)
    })
    const roots: Root[] = []
    for (const known of fresh.values())
      for (const { root, hashed } of known.values()) if (root !== null && hashed) roots.push(root)
    this.#indexed(roots)
  }

  /** Only bytes that were verified come this way. */
  #appearFile(made: ByteName, job: Job): void {
    this.#appear(made, job.name, job.entry)
    this.#note(job.name, job.entry.content?.root ?? null, true)
  }

  #appear(made: ByteName, name: ByteName, entry: Entry): void {
    try {
      applyAttributes(this.#tree, made, entry, this.#choice)
      this.#makeWay(name)
      this.#writable(directoryOf(name))
      this.#kept.keep(name)
      this.#tree.rename(made, name)
    } catch (error) {
      // A partial content stays for the next run; what is only a copy goes.
      if (directoryOf(made) === NEW) this.#tree.remove(made)
      throw error
    }
    this.#dirty.add(directoryOf(name))
  }

  /** A directory that stands where something else goes makes way, if it is empty or may be emptied. */
  #makeWay(name: ByteName): void {
    if (this.#tree.stat(name)?.kind !== 'directory') return
    if (this.#force) this.#removeBelow(name)
    else this.#tree.removeDirectory(name)
  }

  /** Without this an owner who is not root could not fill a directory of mode 555. */
  #writable(directory: ByteName): void {
    if (process.geteuid?.() === 0 || directory === ROOT_NAME) return
    const stands = this.#tree.stat(directory)
    if (stands !== null && (stands.mode & 0o300) !== 0o300)
      this.#tree.setMode(directory, stands.mode | 0o700)
  }

  #isHashed(name: ByteName): boolean {
    const stands = this.#tree.stat(name)
    const known =
      this.#fresh.get(directoryOf(name))?.get(baseOf(name)) ??
      this.#store.directory(directoryOf(name))?.known.find((k) => k.base === baseOf(name))
    return stands !== null && known?.hashed === true && isSame(known, stands)
  }

  #note(name: ByteName, root: Root | null, hashed: boolean): void {
    const s = this.#tree.stat(name)
    if (s === null || root === null) return
    const directory = directoryOf(name)
    const known = this.#fresh.get(directory) ?? new Map<string, Known>()
    known.set(baseOf(name), knownOf(s, root, hashed))
    this.#fresh.set(directory, known)
    if (++this.#freshCount >= TRANSACTION_FILES) this.flushIndex()
  }

  #newName(): ByteName {
    return joinName(NEW, byteName(`${this.#serial++}`))
  }
}

/** A name in our corner as the tree wants it. */
function privateOf(name: ByteName): string {
  return name.slice(PRIVATE_NAME.length + 1)
}
