/** What a download wants: contents, and their units as the things that are asked for. */

import type { ContentId } from '../hash/root.js'
import { SMALL_BYTES, unitBytesOf, unitCountOf } from '../hash/unit.js'
import type { ContentSink, PartialContent } from '../host.js'
import type { Connection, OpenRequest } from './connection.js'
import { hintOf } from './holders.js'
import { LeafHashes, RUN_BYTES } from './leaf-hashes.js'
import type { RootHint } from './peer-port.js'
import type { Got } from './tally.js'
import type { Range, Work } from './work.js'

/** A connection, with requests for items. */
export type Neighbour = Connection<Item>
export type Request = OpenRequest<Item>

/** Bytes of a content. */
export type ByteRange = Range

export type Wanted = {
  readonly content: ContentId
  /** The first sequence it was live in: peers that are complete through it or later have it. */
  readonly since: number
  /** What a delta left open in the partial file, in rising order; empty: all of it. Ignored up to 64 KiB. */
  readonly missing: readonly ByteRange[]
}

/** A content that is being fetched. */
export class Content {
  readonly content: ContentId
  readonly since: number
  readonly hint: RootHint
  readonly missing: readonly ByteRange[]
  readonly unitBytes: number
  readonly unitCount: number
  /** Null up to 64 KiB. */
  readonly partial: PartialContent | null
  readonly hashes: LeafHashes | null
  /** Units that are under way. */
  readonly items = new Map<number, Item>()
  /** Units not done. */
  unitsLeft: number
  /** The next unit to look at when more are taken up. */
  nextUnit = 0
  /** Handles at neighbours, by window. */
  readonly handles = new Map<Neighbour, number[]>()
  /** Runs of leaf hashes that were asked for: of whom, when. */
  readonly hashAsks = new Map<number, { by: Neighbour; atMs: number }>()
  /** Who said that it has no hashes of this content. */
  readonly hashless = new Set<Neighbour>()

  constructor(wanted: Wanted, sink: ContentSink) {
    this.content = wanted.content
    this.since = wanted.since
    this.hint = hintOf(wanted.content)
    this.missing = wanted.missing
    this.unitBytes = unitBytesOf(wanted.content.length)
    this.unitCount = unitCountOf(wanted.content.length)
    this.partial = this.isSmall ? null : sink.open(wanted.content)
    this.hashes = this.isSmall ? null : new LeafHashes(wanted.content)
    this.unitsLeft = this.unitCount
  }

  get isSmall(): boolean {
    return this.content.length <= SMALL_BYTES
  }
  offsetOf(unit: number): number {
    return unit * this.unitBytes
  }
  lengthOf(unit: number): number {
    return Math.min(this.unitBytes, this.content.length - unit * this.unitBytes)
  }
  /** The runs of leaf hashes that a unit needs, first and last. */
  runsOf(unit: number): readonly [number, number] {
    const runBytes = RUN_BYTES
    const offset = this.offsetOf(unit)
    const end = offset + this.lengthOf(unit)
    return [Math.floor(offset / runBytes), Math.ceil(end / runBytes) - 1]
  }
}

/** One unit that is wanted. */
export type Item = {
  /** Its number in the picker; -1 once it is done. */
  thing: number
  readonly content: Content
  readonly unit: number
  /** Bytes in flight; null: not begun, or a small content asked for whole. */
  work: Work<Neighbour | null> | null
  /** Who was asked for it. */
  takers: Neighbour[]
  /** Bytes that came for it. */
  readonly got: Got
  /** Requests for it that an answer is expected of. */
  asked: number
  /** All bytes are there and wait for their hashes. */
  isWaiting: boolean
  /** It failed and could not be laid to anyone: only from one sender. */
  isAlone: boolean
  /** The centre was told that we want it. */
  isTold: boolean
  failures: number
}
