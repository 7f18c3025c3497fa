/**
 * The anchors of all contents of a module in memory, once a look needed them: 2.2 million take ten seconds to read from the
 * index and 90 MB. What is hashed later is added; contents that go stay until it is read again, and are not found then.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { bytesOf } from '../base/bytes.js'
import { type AnchorMemory, AnchorTable, NO_ROW } from '../delta/anchor-table.js'
import type { Anchor } from '../delta/anchors.js'
import type { Root } from '../hash/root.js'
import type { AnchorsByRoot } from '../io/anchors-by-root.js'
import type { Store } from '../io/store.js'

/** Anchors read from the index before others get the thread. */
const BREATH = 20_000
/** Room for what comes later. */
const SPARE_ROWS = 2 ** 18

export class AnchorIndex {
  readonly #table: AnchorTable
  /** By row the beginning of a root: `PlacesByRoot.named`. 0: of a file that is not hashed yet. */
  readonly #names: BigUint64Array
  /** Contents that have anchors all over. */
  readonly #runs = new Set<Root>()
  #rows = 0

  private constructor(rows: number) {
    this.#table = AnchorTable.ofRows(rows)
    this.#names = new BigUint64Array(rows)
  }

  /** @param files that are added at once */
  static async load(store: Store, files: number, signal: AbortSignal): Promise<AnchorIndex> {
    const known = store.anchors.count
    const index = new AnchorIndex(known + (known >> 2) + files + SPARE_ROWS)
    for (let key: Uint8Array | null = null; ; ) {
      const some: ReturnType<AnchorsByRoot['after']> = store.anchors.after(key, BREATH)
      for (const { anchor, name } of some.anchors) index.#add(anchor, name)
      key = some.last
      if (key === null) return index
      await breathe()
      signal.throwIfAborted()
    }
  }

  get memory(): AnchorMemory {
    return this.#table.memory
  }
  /** Rows that can still be added. */
  get room(): number {
    return this.#names.length - this.#rows
  }

  /** @param root null: not known yet @returns its row; NO_ROW: there is no room */
  add(anchor: Anchor, root: Root | null): number {
    return this.#add(anchor, root === null ? 0n : nameOf(root))
  }
  #add(anchor: Anchor, name: bigint): number {
    if (this.room === 0) return NO_ROW
    this.#names[this.#rows++] = name
    return this.#table.add(anchor)
  }

  hasRuns(root: Root): boolean {
    return this.#runs.has(root)
  }
  /** Anchors all over a content, as far as there is room. */
  addRuns(root: Root, anchors: readonly Anchor[]): void {
    this.#runs.add(root)
    for (const anchor of anchors) if (this.add(anchor, root) === NO_ROW) return
  }

  /** What a row is of, now that it is hashed. */
  name(row: number, root: Root): void {
    this.#names[row] = nameOf(root)
  }
  /** The beginning of the root of a row; 0: it is not hashed. */
  nameOf(row: number): bigint {
    return this.#names[row] ?? 0n
  }
  offsetOf(row: number): number {
    return this.#table.offsetOf(row)
  }
}

function nameOf(root: Root): bigint {
  const bytes = bytesOf(root)
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0)
}
