/**
 * The bytes of a file when both ends are on this machine: a copy within the kernel, or the sender's search and the receiver's
 * patch in one. The file is built under another name and takes its place whole, unless it is to be written over.
 */
import { type ByteName, baseOf, directoryOf, joinName } from '../base/byte-name.js'
import { codeOf, FileError } from '../base/errors.js'
import { atOnce, type Steps } from '../base/steps.js'
import type { Source } from '../delta/sums.js'
import type { Standing } from '../host.js'
import type { Options } from '../options/options.js'
import type { AttributeWork } from './attributes.js'
import type { Deleter } from './deleter.js'
import type { Entry, Request } from './generator.js'
import type { LocalDelta } from './local-delta.js'
import type { NewFile, ReceivingTree, SourceTree } from './trees.js'

export type TransferEvents = {
  /** Before its bytes: a line with progress needs to know. */
  began(entry: Entry): void
  ended(entry: Entry): void
  /** --append-verify: what stood there was not the beginning of it, and all of it comes again. */
  retried(entry: Entry, name: ByteName): void
  fault(call: string, name: ByteName, error: unknown): void
  /** The source cannot be opened; it may have gone. */
  sourceFault(call: string, entry: Entry, error: unknown): void
}

export type TransferParts = {
  readonly options: Options
  readonly to: ReceivingTree
  readonly attributes: AttributeWork
  readonly deleter: Deleter
  /** Null with --whole-file. */
  readonly delta: LocalDelta | null
  readonly events: TransferEvents
}

export class LocalTransfer {
  readonly #parts: TransferParts
  readonly #delayed: { readonly name: ByteName; readonly entry: Entry; readonly held: ByteName }[] =
    []
  readonly count = { files: 0, bytes: 0, literal: 0, matched: 0 }

  constructor(parts: TransferParts) {
    this.#parts = parts
  }

  /** Step by step. @returns is it there now? */
  *bring(request: Request): Steps<boolean> {
    const { entry, name } = request
    const { events } = this.#parts
    const { tree, name: from, isFollowed } = entry.origin
    let source: number
    try {
      source = tree.openFile(from, isFollowed)
    } catch (error) {
      events.sourceFault('send_files failed to open', entry, error)
      return false
    }
    request.announce()
    events.began(entry)
    try {
      const isInPlace = this.#parts.options.inplace
      if (isInPlace) yield* this.#inPlace(source, request)
      else yield* this.#beside(source, request)
      this.count.files++
      this.count.bytes += entry.stands.size
      return true
    } catch (error) {
      if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
      events.fault('write failed on', name, error)
      return false
    } finally {
      tree.closeFile(source)
      events.ended(entry)
    }
  }

  *#beside(source: number, request: Request): Steps<void> {
    const { options, to, attributes } = this.#parts
    const { entry, name, seen } = request
    const apart = options.tempDir === null ? null : to.otherMade(options.tempDir)
    const made = to.create(name, entry.mode & 0o700, apart)
    let isOpen = true
    try {
      yield* this.#fill(source, made, request)
      to.closeFile(made)
      isOpen = false
      attributes.give(entry, made.tree, made.name, seen, null)
      if (options.delayUpdates) this.#delay(made, entry, name)
      else this.#place(made, name)
    } catch (error) {
      if (isOpen) to.closeFile(made)
      this.#giveUp(made, request)
      throw error
    }
  }

  #place(made: NewFile, name: ByteName): void {
    const { options, to, deleter } = this.#parts
    if (options.backup) {
      const stands = to.tree.stat(name)
      if (stands !== null && stands.kind !== 'directory') deleter.keep(name, stands)
    }
    to.commit(made, name)
    this.#forgetPartial(name)
  }

  /** What came so far is kept, if wanted; under its own name with no time, so that -u does not take it for newer. */
  #giveUp(made: NewFile, { entry, name, seen }: Request): void {
    const { options, to, attributes } = this.#parts
    const kept = options.partial && (to.tree.stat(made.name)?.size ?? 0) > 0
    if (!kept) return to.discard(made)
    attributes.give(entry, made.tree, made.name, seen, null)
    if (options.partialDir !== null)
      return to.move(made.tree, made.name, ...this.#partialPlace(name, true))
    const none = { uid: null, gid: null, mode: null, atimeNs: null }
    to.give(made.tree, made.name, false, { ...none, mtimeNs: 0n })
    to.commit(made, name)
  }

  /** Where --partial-dir keeps a file. */
  #partialPlace(name: ByteName, makes: boolean): [SourceTree, ByteName] {
    const { options, to } = this.#parts
    const directory = options.partialDir ?? '.'
    if (directory.startsWith('/')) return [to.otherMade(directory), baseOf(name) as ByteName]
    const held = joinName(directoryOf(name), directory)
    if (makes && to.tree.stat(held) === null) to.makeDirectory(held, 0o700)
    return [to.tree, joinName(held, baseOf(name))]
  }
  #forgetPartial(name: ByteName): void {
    const { options } = this.#parts
    if (options.partialDir === null || options.partialDir.startsWith('/')) return
    const [tree, held] = this.#partialPlace(name, false)
    if (tree.stat(held) === null) return
    tree.remove(held)
    this.#removeIfEmpty(directoryOf(held))
  }
  #removeIfEmpty(directory: ByteName): void {
    try {
      this.#parts.to.removeDirectory(directory)
    } catch (error) {
      const code = codeOf(error)
      if (code !== 'ENOTEMPTY' && code !== 'ENOENT' && code !== 'EEXIST') throw error
    }
  }

  // ---- --delay-updates ---------------------------------------------------------------------------

  #delay(made: NewFile, entry: Entry, name: ByteName): void {
    const [tree, held] = this.#partialPlace(name, true)
    this.#parts.to.move(made.tree, made.name, tree, held)
    this.#delayed.push({ name, entry, held })
  }

  /** All files go into place. */
  finish(): void {
    const { to, deleter, options, events } = this.#parts
    for (const { name, held } of this.#delayed) {
      try {
        const stands = options.backup ? to.tree.stat(name) : null
        if (stands !== null && stands.kind !== 'directory') deleter.keep(name, stands)
        to.move(to.tree, held, to.tree, name)
        this.#removeIfEmpty(directoryOf(held))
      } catch (error) {
        events.fault('rename', name, error)
      }
    }
    this.#delayed.length = 0
  }

  // ---- the bytes ---------------------------------------------------------------------------------

  *#fill(source: number, made: NewFile, request: Request): Steps<void> {
    const { options, to } = this.#parts
    const basis = this.#parts.delta === null ? null : this.#openBasis(request)
    if (basis === null) {
      const { sparse, preallocate, fsync } = options
      const rule = { sparse, preallocate, fsync, stepBytes: this.#stepBytes }
      this.count.literal += yield* to.copy(source, made.fd, rule)
      return
    }
    try {
      yield* this.#delta(source, basis.source, made.fd, false)
    } finally {
      basis.close()
    }
  }

  #openBasis(request: Request): { source: Source; close: () => void } | null {
    const { to } = this.#parts
    const { name, seen } = request
    const basis = request.basis ?? (seen?.kind === 'file' ? { tree: to.tree, name } : null)
    if (basis === null) return null
    const fd = basis.tree.openFile(basis.name)
    const length = to.size(fd)
    if (length === 0) {
      basis.tree.closeFile(fd)
      return null
    }
    return { source: this.#sourceOf(fd, length), close: () => basis.tree.closeFile(fd) }
  }
  #sourceOf(fd: number, length: number): Source {
    return { length, read: (offset, into) => this.#parts.to.read(fd, into, offset) }
  }

  /** @param inPlace the basis is what is written */
  *#delta(source: number, basis: Source, fd: number, inPlace: boolean): Steps<void> {
    const { options, to, delta } = this.#parts
    if (delta === null) return
    let at = 0
    const rule = { blockLength: options.blockSize, inPlace }
    const from = this.#sourceOf(source, to.size(source))
    const done = yield* delta.copy(from, basis, rule, (bytes) => {
      to.write(fd, bytes, at, options.sparse && !inPlace)
      at += bytes.length
    })
    to.finish(fd, at, options.fsync)
    this.count.literal += done.literal
    this.count.matched += done.matched
  }

  // ---- written over ------------------------------------------------------------------------------

  *#inPlace(source: number, request: Request): Steps<void> {
    const { options, to, attributes, deleter } = this.#parts
    const { entry, name, seen } = request
    if (options.backup && seen !== null) this.#copyAside(name, seen, deleter)
    const file = to.openInPlace(name, entry.mode & 0o700)
    try {
      const length = seen === null ? 0 : to.size(file.fd)
      if (options.append !== 'no' && length > 0)
        yield* this.#append(source, file.fd, length, request)
      else if (this.#parts.delta === null || length === 0) yield* this.#pour(source, file.fd, 0)
      else yield* this.#delta(source, this.#sourceOf(file.fd, length), file.fd, true)
    } finally {
      to.closeFile(file)
    }
    const isDevice = to.tree.stat(name)?.kind !== 'file'
    if (!isDevice) attributes.give(entry, to.tree, name, seen, null)
  }
  /** The backup of a file that is written over is a copy. */
  #copyAside(name: ByteName, seen: Standing, deleter: Deleter): void {
    const { to } = this.#parts
    const from = to.tree.openFile(name)
    try {
      const made = to.create(name, 0o600, null)
      const rule = { sparse: false, preallocate: false, fsync: false, stepBytes: null }
      atOnce(to.copy(from, made.fd, rule))
      to.closeFile(made)
      const { uid, gid, mode, mtimeNs } = seen
      to.give(made.tree, made.name, false, { uid, gid, mode, mtimeNs, atimeNs: null })
      deleter.keepCopy(made.name, name)
    } finally {
      to.tree.closeFile(from)
    }
  }
  *#append(source: number, fd: number, from: number, { entry, name }: Request): Steps<void> {
    const { options, events } = this.#parts
    if (options.append === 'trust' || this.#isPrefix(source, fd, from))
      return yield* this.#pour(source, fd, from)
    events.retried(entry, name)
    yield* this.#pour(source, fd, 0)
  }
  #isPrefix(source: number, fd: number, length: number): boolean {
    const { to } = this.#parts
    const a = Buffer.alloc(65_536)
    const b = Buffer.alloc(65_536)
    for (let at = 0; at < length; at += a.length) {
      const n = Math.min(a.length, length - at)
      if (to.read(source, a.subarray(0, n), at) < n || to.read(fd, b.subarray(0, n), at) < n)
        return false
      if (a.compare(b, 0, n, 0, n) !== 0) return false
    }
    return true
  }
  *#pour(source: number, fd: number, from: number): Steps<void> {
    const { options, to } = this.#parts
    const buffer = Buffer.allocUnsafe(this.#stepBytes ?? 262_144)
    let at = from
    for (let got = to.read(source, buffer, at); got > 0; got = to.read(source, buffer, at)) {
      to.write(fd, buffer.subarray(0, got), at, false)
      at += got
      yield got
    }
    this.count.literal += at - from
    to.finish(fd, at, options.fsync)
  }
  /** Small steps under --bwlimit, so that waits are short. */
  get #stepBytes(): number | null {
    const { bwlimit } = this.#parts.options
    return bwlimit === 0 ? null : Math.min(262_144, Math.max(4096, Math.floor(bwlimit / 8)))
  }
}
