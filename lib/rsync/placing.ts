/**
 * How a file that has come takes its place: under another name until it is whole, or written over; what stood there is kept
 * aside, what is half there too if wanted. rsync(1) --partial, --partial-dir, --delay-updates, --inplace, --backup, --temp-dir.
 */
import { type ByteName, baseOf, directoryOf, joinName } from '../base/byte-name.js'
import { codeOf, FileError } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import type { Options } from '../options/options.js'
import type { AttributeWork } from './attributes.js'
import type { Deleter } from './deleter.js'
import { makePartialPlace, type PartialPlace, partialOf } from './partial-place.js'
import { isSent, type Request } from './request.js'
import type { NewFile, ReceivingTree } from './trees.js'

export type PlacingParts = {
  readonly options: Options
  readonly to: ReceivingTree
  readonly attributes: AttributeWork
  readonly deleter: Deleter
  readonly fault: (call: string, name: ByteName, error: unknown) => void
  readonly trace: Trace
}

type Delayed = PartialPlace & { whenStanding: (ok: boolean) => void }

export class Placing {
  readonly #parts: PlacingParts
  /** By their names: where they are meanwhile. */
  readonly #delayed = new Map<ByteName, Delayed>()

  constructor(parts: PlacingParts) {
    this.#parts = parts
  }

  /** The file to write: a new one, or the one that stands there; null: that cannot be done, and is told. */
  open(request: Request): NewFile | null {
    const { options, fault } = this.#parts
    const { name } = request
    try {
      return this.#open(request)
    } catch (error) {
      if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
      const made = joinName(directoryOf(name), `.${baseOf(name)}.XXXXXX`)
      fault(options.inplace ? 'open' : 'mkstemp', options.inplace ? name : made, error)
      return null
    }
  }
  #open({ entry, name, like }: Request): NewFile {
    const { options, to, attributes } = this.#parts
    if (options.inplace) return to.openInPlace(name, entry.mode & 0o700)
    const apart = options.tempDir === null ? null : to.otherMade(options.tempDir)
    // An ACL may forbid what the mode allows.
    if (options.acls) return to.create(name, entry.mode & 0o700, apart, null)
    return to.create(name, attributes.modeOf(entry, like), apart, attributes.ids(entry))
  }

  /** All bytes are there; the file is closed. */
  done(made: NewFile, request: Request): void {
    const { entry, name, like } = request
    const { options, to, attributes } = this.#parts
    if (options.inplace) {
      // It may be another's, whose mode only he may set.
      attributes.give(entry, to.tree, name, like, to.tree.stat(name))
      return
    }
    attributes.give(entry, made.tree, made.name, like, made.fresh)
    if (options.delayUpdates) this.#delay(made, name)
    else this.#place(made, request)
  }

  #place(made: NewFile, request: Request): void {
    const { name } = request
    const { options, to, deleter, trace } = this.#parts
    if (options.backup) {
      const stands = to.tree.stat(name)
      if (stands !== null && stands.kind !== 'directory') deleter.keep(name, stands)
    }
    trace.placed?.(made.name, name)
    to.commit(made, name)
    if (isSent(request)) this.forgetPartial(name)
  }

  /**
   * It did not come whole, or found no place. What came is kept, if wanted: under its own name with no time, so that -u does
   * not take it for newer. @param keeps nothing else to be kept than what is wanted; false: it goes in any case
   */
  giveUp(made: NewFile, { entry, name, like }: Request, keeps = true): void {
    const { options, to, attributes } = this.#parts
    if (options.inplace) return
    const isKept = keeps && options.partial && (made.tree.stat(made.name)?.size ?? 0) > 0
    if (!isKept) return to.discard(made)
    try {
      attributes.give(entry, made.tree, made.name, like, null)
      this.#keep(made, name)
    } catch (error) {
      to.discard(made)
      throw error
    }
  }
  #keep(made: NewFile, name: ByteName): void {
    const { options, to } = this.#parts
    if (options.partialDir !== null) {
      const place = makePartialPlace(to, options.partialDir, name)
      return to.move(made.tree, made.name, place.tree, place.name)
    }
    const none = { uid: null, gid: null, mode: null, atimeNs: null }
    to.give(made.tree, made.name, false, { ...none, mtimeNs: 0n })
    to.commit(made, name)
  }

  /** All of a file stands: what an earlier try left is of no use. */
  forgetPartial(name: ByteName): void {
    const { options, to } = this.#parts
    const place = options.partialDir === null ? null : partialOf(to, options.partialDir, name)
    if (place === null) return
    place.tree.remove(place.name)
    if (place.tree === to.tree) this.#removeIfEmpty(directoryOf(place.name))
  }
  #removeIfEmpty(directory: ByteName): void {
    try {
      this.#parts.to.tree.removeDirectory(directory)
    } catch (error) {
      const code = codeOf(error)
      if (code !== 'ENOTEMPTY' && code !== 'ENOENT' && code !== 'EEXIST') throw error
    }
  }

  #delay(made: NewFile, name: ByteName): void {
    const { options, to } = this.#parts
    const place = makePartialPlace(to, options.partialDir ?? '.', name)
    to.move(made.tree, made.name, place.tree, place.name)
    this.#delayed.set(name, { ...place, whenStanding: () => {} })
  }

  /** Tells when a file that was brought stands under its name: what is linked to it, or leaves the source, waits for that. */
  whenStanding({ name }: Request, isThere: boolean, tell: (ok: boolean) => void): void {
    const delayed = isThere ? this.#delayed.get(name) : undefined
    if (delayed === undefined) tell(isThere)
    else delayed.whenStanding = tell
  }

  /** --delay-updates: all files go into place. */
  finish(): void {
    const { to, deleter, options, fault } = this.#parts
    const placed: (() => void)[] = []
    for (const [name, { tree, name: held, whenStanding }] of this.#delayed) {
      let isThere = true
      try {
        const stands = options.backup ? to.tree.stat(name) : null
        if (stands !== null && stands.kind !== 'directory') deleter.keep(name, stands)
        to.move(tree, held, to.tree, name)
        if (tree === to.tree) this.#removeIfEmpty(directoryOf(held))
      } catch (error) {
        fault('rename', name, error)
        isThere = false
      }
      placed.push(() => whenStanding(isThere))
    }
    this.#delayed.clear()
    for (const tell of placed) tell()
  }
}
