/** A file whose bytes are wanted: asked for by the generator, brought by whoever has them. */
import type { ByteName } from '../base/byte-name.js'
import type { ListEntry } from '../flist/list-entry.js'
import type { Standing } from '../host.js'
import { ITEM } from '../plan/iflags.js'
import type { SourceTree } from './trees.js'

export type Entry = ListEntry<SourceTree>

export type Request = {
  readonly entry: Entry
  /** Where it goes. */
  readonly name: ByteName
  /** The file that stands there. */
  readonly seen: Standing | null
  /** Whose mode it keeps without -p: what stands there, or in a directory of --link-dest and the like. */
  readonly like: Standing | null
  /** What will be told of it. ITEM.transfer is not set where its bytes are on this machine. */
  readonly iflags: number
  /** To be called when its source is open: it is named then, and never if it cannot be read. */
  readonly announce: (iflags?: number) => void
  /** A file to look for equal blocks in; null: none. */
  readonly basis: Basis | null
}
/** Do its bytes come from the sender? */
export function isSent({ iflags }: Pick<Request, 'iflags'>): boolean {
  return (iflags & ITEM.transfer) !== 0
}
/** Which file it is: the one that is replaced, what is left of an earlier try, one of --link-dest and the like, a similar one. */
export type Basis = {
  readonly tree: SourceTree
  readonly name: ByteName
  readonly kind: 'file' | 'partial' | 'fuzzy' | { readonly alternate: number }
}
/** Brings the bytes of a file and makes it stand, with its attributes. `done` may be called later. */
export type Transfer = (request: Request, done: (ok: boolean) => void) => void
