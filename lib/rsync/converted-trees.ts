/**
 * A receiver whose names stand on disk in another character set than in the list: converted at this door, both ways.
 * rsync(1) --iconv, for a copy within one machine.
 */
import { type ByteName, directoryOf, joinName } from '../base/byte-name.js'
import type { Steps } from '../base/steps.js'
import type { Xattr } from '../flist/entry.js'
import type { Attributes, Named, Standing, TreeHandle } from '../host.js'
import type { Ids } from '../plan/compare.js'
import type { CopyRule, NewFile, ReceivingTree, SourceTree } from './trees.js'

/** What a name is on the other side; null: there is none. */
export type Conversion = (name: string) => string | null

/** Names that have no counterpart in the list stay as they are, both ways. */
class Names {
  readonly #toDisk: Conversion
  readonly #toList: Conversion
  readonly #raw = new Set<string>()

  constructor(toDisk: Conversion, toList: Conversion) {
    this.#toDisk = toDisk
    this.#toList = toList
  }
  onDisk(name: ByteName): ByteName {
    const base = (part: string): string =>
      this.#raw.has(part) ? part : (this.#toDisk(part) ?? part)
    return name.split('/').map(base).join('/') as ByteName
  }
  inList(base: string): string {
    const name = this.#toList(base)
    if (name !== null && this.#toDisk(name) === base) return name
    this.#raw.add(base)
    return base
  }
  /** Of a link: not a name of this tree. */
  target(text: string, isToDisk: boolean): string {
    return (isToDisk ? this.#toDisk(text) : this.#toList(text)) ?? text
  }
}

class ConvertedTree implements SourceTree {
  readonly inner: SourceTree
  readonly #names: Names

  constructor(inner: SourceTree, names: Names) {
    this.inner = inner
    this.#names = names
  }
  get path(): string {
    return this.inner.path
  }
  get forThreads(): TreeHandle {
    return this.inner.forThreads
  }
  /** By name, as lists are sorted. */
  list(directory: ByteName, known?: ReadonlySet<string>): readonly Standing[] | null {
    const standing = this.inner.list(this.#names.onDisk(directory))
    return (
      standing
        ?.map((one) => this.#seen(one))
        .filter((one) => known?.has(one.base) !== true)
        .sort((a, b) => (a.base < b.base ? -1 : a.base > b.base ? 1 : 0)) ?? null
    )
  }
  kinds(directory: ByteName, known?: ReadonlySet<string>): readonly Named[] | null {
    return this.list(directory, known)
  }
  stat(name: ByteName): Standing | null {
    const found = this.inner.stat(this.#names.onDisk(name))
    return found === null ? null : this.#seen(found)
  }
  statFollowing(name: ByteName): Standing | null {
    const found = this.inner.statFollowing(this.#names.onDisk(name))
    return found === null ? null : this.#seen(found)
  }
  #seen(one: Standing): Standing {
    return { ...one, base: this.#names.inList(one.base) }
  }
  readlink(name: ByteName): string {
    return this.#names.target(this.inner.readlink(this.#names.onDisk(name)), false)
  }
  atimeNs(name: ByteName): bigint {
    return this.inner.atimeNs(this.#names.onDisk(name))
  }
  xattrs(name: ByteName): readonly Xattr[] {
    return this.inner.xattrs(this.#names.onDisk(name))
  }
  openFile(name: ByteName, follows?: boolean): number {
    return this.inner.openFile(this.#names.onDisk(name), follows)
  }
  closeFile(fd: number): void {
    this.inner.closeFile(fd)
  }
  remove(name: ByteName): void {
    this.inner.remove(this.#names.onDisk(name))
  }
  removeDirectory(name: ByteName): void {
    this.inner.removeDirectory(this.#names.onDisk(name))
  }
}

export class ConvertedReceiver implements ReceivingTree {
  readonly tree: SourceTree
  readonly #inner: ReceivingTree
  readonly #names: Names
  readonly #others = new Map<SourceTree, ConvertedTree>()

  constructor(inner: ReceivingTree, toDisk: Conversion, toList: Conversion) {
    this.#inner = inner
    this.#names = new Names(toDisk, toList)
    this.tree = this.#wrapped(inner.tree)
  }

  /** What a name on disk, as a user gave it, is in the list. */
  nameInList(name: ByteName): ByteName {
    return joinName(directoryOf(name), this.#names.inList(name))
  }

  #wrapped(tree: SourceTree): ConvertedTree {
    const known = this.#others.get(tree) ?? new ConvertedTree(tree, this.#names)
    this.#others.set(tree, known)
    return known
  }
  #bare(tree: SourceTree): SourceTree {
    return tree instanceof ConvertedTree ? tree.inner : tree
  }
  #disk(tree: SourceTree, name: ByteName): ByteName {
    return tree instanceof ConvertedTree ? this.#names.onDisk(name) : name
  }
  #made(file: NewFile): NewFile {
    return { ...file, tree: this.#wrapped(file.tree), name: this.#listed(file.name) }
  }
  #unmade(file: NewFile): NewFile {
    return { ...file, tree: this.#bare(file.tree), name: this.#disk(file.tree, file.name) }
  }
  /** Of a name that was converted part by part. */
  #listed(name: ByteName): ByteName {
    const parts = name.split('/').map((part) => this.#names.inList(part))
    return parts.join('/') as ByteName
  }

  other(path: string): SourceTree | null {
    const tree = this.#inner.other(path)
    return tree === null ? null : this.#wrapped(tree)
  }
  otherMade(path: string, mode?: number): SourceTree {
    return this.#wrapped(this.#inner.otherMade(path, mode))
  }
  create(name: ByteName, mode: number, directory: SourceTree | null, ids: Ids | null): NewFile {
    const inner = directory === null ? null : this.#bare(directory)
    return this.#made(this.#inner.create(this.#names.onDisk(name), mode, inner, ids))
  }
  openInPlace(name: ByteName, mode: number): NewFile {
    return this.#made(this.#inner.openInPlace(this.#names.onDisk(name), mode))
  }
  copy(from: number, to: number, rule: CopyRule): Steps<number> {
    return this.#inner.copy(from, to, rule)
  }
  write(fd: number, bytes: Uint8Array, offset: number, sparse: boolean): void {
    this.#inner.write(fd, bytes, offset, sparse)
  }
  writeLater(fd: number, pieces: readonly Uint8Array[], offset: number): Promise<void> {
    return this.#inner.writeLater(fd, pieces, offset)
  }
  read(fd: number, into: Uint8Array, offset: number): number {
    return this.#inner.read(fd, into, offset)
  }
  finish(fd: number, length: number, isExact: boolean, fsync: boolean): void {
    this.#inner.finish(fd, length, isExact, fsync)
  }
  size(fd: number): number {
    return this.#inner.size(fd)
  }
  commit(made: NewFile, name: ByteName): void {
    this.#inner.commit(this.#unmade(made), this.#names.onDisk(name))
  }
  discard(made: NewFile): void {
    this.#inner.discard(this.#unmade(made))
  }
  closeFile(made: NewFile): void {
    this.#inner.closeFile(made)
  }
  move(fromTree: SourceTree, from: ByteName, toTree: SourceTree, to: ByteName): void {
    const a = this.#disk(fromTree, from)
    this.#inner.move(this.#bare(fromTree), a, this.#bare(toTree), this.#disk(toTree, to))
  }
  makeDirectory(name: ByteName, mode: number): void {
    this.#inner.makeDirectory(this.#names.onDisk(name), mode)
  }
  makeDirectories(tree: SourceTree, name: ByteName): void {
    this.#inner.makeDirectories(this.#bare(tree), this.#disk(tree, name))
  }
  symlink(target: string, name: ByteName, replaces: boolean): void {
    this.#inner.symlink(this.#names.target(target, true), this.#names.onDisk(name), replaces)
  }
  makeNode(like: Standing, name: ByteName, replaces: boolean): void {
    this.#inner.makeNode(like, this.#names.onDisk(name), replaces)
  }
  link(tree: SourceTree, existing: ByteName, name: ByteName, replaces: boolean): void {
    const from = this.#disk(tree, existing)
    this.#inner.link(this.#bare(tree), from, this.#names.onDisk(name), replaces)
  }
  remove(name: ByteName): void {
    this.#inner.remove(this.#names.onDisk(name))
  }
  give(tree: SourceTree, name: ByteName, isLink: boolean, attributes: Attributes): void {
    this.#inner.give(this.#bare(tree), this.#disk(tree, name), isLink, attributes)
  }
  setXattr(tree: SourceTree, name: ByteName, xattr: Xattr): void {
    this.#inner.setXattr(this.#bare(tree), this.#disk(tree, name), xattr)
  }
  removeXattr(tree: SourceTree, name: ByteName, xattr: string): void {
    this.#inner.removeXattr(this.#bare(tree), this.#disk(tree, name), xattr)
  }
}
