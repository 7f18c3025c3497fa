/**
 * What the receiver asks of a sender at the other end: an item for what changed, with the sums of its own file where bytes
 * are wanted. Remembers what it asked, and believes nothing else of an answer. prsync-protocol(7), requests.
 */
import { codeOf, FileError } from '../base/errors.js'
import type { Steps } from '../base/steps.js'
import { type SumHead, sumHeadFor } from '../delta/block-size.js'
import { basisSums, type Source } from '../delta/sums.js'
import type { WantedXattr } from '../flist/list-entry.js'
import { isAclName } from '../flist/posix-acl.js'
import { CHECKSUM_BYTES } from '../hash/checksum.js'
import type { BlockSum } from '../kernel/kernel-port.js'
import { isDryOnWire, type Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import { BASIS, type Item, itemOf, writeItem, writeXattrWants } from '../wire/item.js'
import type { NdxWriter } from '../wire/ndx.js'
import { NO_SUMS, writeSumHead } from '../wire/sum-head.js'
import type { Terms } from '../wire/terms.js'
import { asksXattrs } from './asks-xattrs.js'
import type { KernelStore } from './kernel-store.js'
import type { Basis, Entry, Request } from './request.js'
import type { ReceivingTree } from './trees.js'
import type { WireWriter } from './writer.js'

export type Asked = {
  readonly entry: Entry
  readonly number: number
  readonly item: Item
  /** What is to be done with the bytes; null: none are asked for. */
  readonly request: Request | null
  readonly done: (ok: boolean) => void
  readonly head: SumHead
  /** Only what is behind the head's length is wanted. */
  readonly isAppended: boolean
  /** Extended attributes whose values were asked for; null: the answer has none. */
  readonly wants: readonly number[] | null
  /** It came once, and was not what it should be. */
  readonly isAgain: boolean
}

export type AskingParts = {
  readonly options: Options
  readonly terms: Terms
  readonly to: ReceivingTree
  readonly writer: WireWriter
  readonly numbers: NdxWriter
  readonly kernels: KernelStore
  /** Null: sums are not to be had, so whole files are asked for. */
  readonly blockSum: BlockSum | null
  /** Attributes of an entry, by their place from 1, whose values are wanted. */
  readonly wantedXattrs: (entry: Entry) => readonly number[]
  /** Nobody at the other end can tell it: protocols before 29. */
  readonly told: (entry: Entry, iflags: number, xname: string | null) => void
  readonly fault: (call: string, entry: Entry, error: unknown) => void
  readonly begun: (number: number) => void
  /** Within long work: signs of life go out, Ctrl-C is heard. Null: not now. */
  readonly pause: () => Promise<void> | null
}

/** Bytes of a basis that are summed at once; what is behind them, with pauses. docs/decisions/0064. */
const AT_ONCE_BYTES = 32 * 2 ** 20

type Wanted = {
  readonly entry: Entry
  readonly request: Request | null
  readonly done: (ok: boolean) => void
  readonly iflags: number
  readonly xname: string | null
  readonly isAgain: boolean
}
type Sums = { readonly head: SumHead; readonly packed?: Uint8Array }
/** A request that is not written yet: its sums are still made. */
type Late = { readonly wanted: Wanted; readonly steps: Steps<Sums | null> }

export class Asking {
  readonly #parts: AskingParts
  readonly #asked = new Map<number, Asked>()
  #late: Late | null = null
  /** Whoever is told that a file came may ask for another, and waits for nothing. */
  #isTelling = false

  constructor(parts: AskingParts) {
    this.#parts = parts
  }

  /** Something changed that takes no bytes. */
  item(entry: Entry, iflags: number, xname: string | null): void {
    const { terms, told } = this.#parts
    if (terms.protocol < 29) {
      if (!this.#isDryTransfer(iflags)) return told(entry, iflags, xname)
    }
    this.#write({ entry, request: null, done: () => {}, iflags, xname, isAgain: false }, null)
  }
  #isDryTransfer(iflags: number): boolean {
    return isDryOnWire(this.#parts.options) && (iflags & ITEM.transfer) !== 0
  }

  /**
   * The bytes of a file. `done` is called when they stand there, or will not. Where its basis is large the request goes out while
   * `pause` is awaited.
   */
  file(request: Request, done: (ok: boolean) => void, isAgain = false): void {
    const { entry, iflags } = request
    const wanted = { entry, request, done: this.#telling(done), iflags, xname: null, isAgain }
    this.#parts.begun(entry.number ?? -1)
    if (request.basis === null) return this.#write(wanted, null)
    const steps = this.#sums(request, isAgain, this.#isAppended(wanted))
    const mayWait = !isAgain && !this.#isTelling && this.#late === null
    for (let bytes = 0; bytes < AT_ONCE_BYTES || !mayWait; ) {
      const step = steps.next()
      if (step.done === true) return this.#write(wanted, step.value)
      bytes += step.value
    }
    this.#late = { wanted, steps }
  }
  #telling(done: (ok: boolean) => void): (ok: boolean) => void {
    return (ok) => {
      const before = this.#isTelling
      this.#isTelling = true
      try {
        done(ok)
      } finally {
        this.#isTelling = before
      }
    }
  }

  /** What has to be awaited before the next entry; null: nothing. */
  pause(): Promise<void> | null {
    return this.#late === null ? null : this.#finish(this.#late)
  }
  async #finish({ wanted, steps }: Late): Promise<void> {
    const { writer, pause } = this.#parts
    try {
      // What was asked for before need not wait for it.
      await writer.flush()
      for (;;) {
        const step = steps.next()
        if (step.done === true) return this.#write(wanted, step.value)
        const due = pause()
        if (due !== null) await due
      }
    } finally {
      steps.return(null)
      this.#late = null
    }
  }

  /** What an answer is to. */
  take(number: number): Asked | null {
    const asked = this.#asked.get(number) ?? null
    this.#asked.delete(number)
    return asked
  }
  /** What a batch may answer later. */
  keep(asked: Asked): void {
    this.#asked.set(asked.number, asked)
  }
  /** Never answered: the sender could not open them, and has no words for it. */
  takeFiles(): readonly Asked[] {
    const files = [...this.#asked.values()].filter((asked) => asked.request !== null)
    for (const { number } of files) this.#asked.delete(number)
    return files
  }

  #isAppended({ request, isAgain }: Wanted): boolean {
    return this.#parts.options.append !== 'no' && !isAgain && (request?.seen?.size ?? 0) > 0
  }

  /** @param sums null: the whole file is wanted, or no bytes */
  #write(what: Wanted, sums: Sums | null): void {
    const { writer, numbers, terms, options } = this.#parts
    const { entry, request, done, isAgain } = what
    const number = entry.number ?? -1
    const basis = request !== null && sums !== null ? basisByte(request.basis) : BASIS.file
    const isFuzzy = basis === BASIS.fuzzy && request?.basis !== null && request !== null
    const xname = isFuzzy ? baseOfFuzzy(request.basis) : what.xname
    const item = itemOf(what.iflags, basis, xname)
    const wants = asksXattrs(options, terms, item.iflags) ? this.#wants(entry) : null
    const { data } = writer
    numbers.write(data, number)
    writeItem(data, item, terms.protocol)
    if (wants !== null) writeXattrWants(data, wants)
    const head = sums?.head ?? NO_SUMS
    if (request !== null) {
      writeSumHead(data, head)
      if (sums?.packed !== undefined) data.put(sums.packed)
    }
    this.#asked.set(number, {
      entry,
      number,
      item,
      request,
      done,
      head,
      isAppended: this.#isAppended(what),
      wants,
      isAgain,
    })
  }

  /** Values that nobody asked for yet. */
  #wants(entry: Entry): readonly number[] {
    const own = ownXattrs(entry)
    return this.#parts.wantedXattrs(entry).filter((item) => {
      const xattr = own[item - 1]
      if (xattr === undefined || xattr.isAsked === true) return false
      xattr.isAsked = true
      return true
    })
  }

  /** Null: the whole file is wanted. */
  *#sums({ entry, basis }: Request, isAgain: boolean, isAppended: boolean): Steps<Sums | null> {
    const { terms, options, to, blockSum, kernels, fault } = this.#parts
    if (basis === null || blockSum === null) return null
    // Who appends reads no sums: of another file than the one that grows they would be taken for the next request.
    if (options.append !== 'no' && !isAgain && !isAppended) return null
    try {
      const fd = basis.tree.openFile(basis.name)
      try {
        const length = to.size(fd)
        const head = sumHeadFor(length, {
          protocol: terms.protocol,
          sumBytes: CHECKSUM_BYTES[terms.checksum],
          blockLength: options.blockSize,
          redo: isAgain,
        })
        if (head.count === 0) return null
        if (isAppended) return { head }
        const source: Source = { length, read: (offset, into) => to.read(fd, into, offset) }
        const kernel = kernels.forEntries(0, head.blockLength)
        const sums = yield* basisSums(source, head, blockSum, kernel)
        return sums === null ? null : { head, packed: sums.packed }
      } finally {
        basis.tree.closeFile(fd)
      }
    } catch (error) {
      if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
      // Unreadable here: then all of it comes.
      fault('failed to open', entry, error)
      return null
    }
  }
}

function basisByte(basis: Basis | null): number {
  if (basis === null || basis.kind === 'file') return BASIS.file
  if (basis.kind === 'partial') return BASIS.partial
  return basis.kind === 'fuzzy' ? BASIS.fuzzy : basis.kind.alternate
}
function baseOfFuzzy(basis: Basis | null): string | null {
  return basis === null ? null : basis.name.slice(basis.name.lastIndexOf('/') + 1)
}

/** As the sender numbers them, from 1. */
export function ownXattrs({ xattrs }: Entry): readonly WantedXattr[] {
  return (xattrs ?? []).filter(({ name }) => !isAclName(name))
}
