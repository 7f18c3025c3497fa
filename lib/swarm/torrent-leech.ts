/**
 * A content fetched from ordinary clients: whole pieces from each, checked against the torrent's piece layer before a byte of
 * them is kept. BEP 3, 52.
 */
import { equalBytes } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { PieceSet } from '../bt/bitfield.js'
import { pieceCount, pieceLevel, type Torrent } from '../bt/metainfo.js'
import { contentRoot, LEAF_BYTES, leavesOf, subtreeRoot } from '../hash/merkle.js'
import { ROOT_BYTES, rootBytes } from '../hash/root.js'
import type { ContentSink, PartialContent } from '../host.js'
import { DEAF } from './deaf.js'
import type { Topic, TorrentEvents, TorrentPeer } from './peer.js'

/** Requests one client has waiting: 4 MiB, as the usual clients ask. */
const DEPTH = 256

/** What is missing of one torrent, and who was asked for what; any number of connections share it. */
export class TorrentLeech {
  readonly torrent: Torrent
  readonly #sink: ContentSink
  readonly #partial: PartialContent | null
  readonly #have: PieceSet
  readonly #claimed = new Set<number>()
  readonly #onWhole: () => void
  /** Connections that would ask for more. */
  readonly #askers = new Set<() => void>()

  /** @param onWhole called once, when all of it is verified and in the sink */
  constructor(torrent: Torrent, sink: ContentSink, onWhole: () => void) {
    this.torrent = torrent
    this.#sink = sink
    this.#onWhole = onWhole
    this.#have = new PieceSet(pieceCount(torrent))
    this.#partial = torrent.content.length > SMALL ? sink.open(torrent.content) : null
    if (this.#partial !== null)
      for (let i = 0; i < this.#have.size; i++)
        if (this.#isMarked(this.#partial, i)) this.#have.add(i)
  }

  /** For connections about this torrent. */
  get topic(): Topic {
    return { kind: 'torrent', attach: (peer) => new Leeching(peer, this).events }
  }
  get isWhole(): boolean {
    return this.#have.isFull
  }
  get have(): PieceSet {
    return this.#have
  }

  /** The next piece that `there` has, that is missing and that nobody was asked for; null: none. */
  claim(there: PieceSet): number | null {
    for (const index of there.without(this.#have)) {
      if (this.#claimed.has(index)) continue
      this.#claimed.add(index)
      return index
    }
    return null
  }
  /** Pieces that one connection will not bring are there for the others. */
  release(indices: Iterable<number>): void {
    for (const index of indices) this.#claimed.delete(index)
    for (const ask of this.#askers) ask()
  }
  join(ask: () => void): void {
    this.#askers.add(ask)
  }
  part(ask: () => void): void {
    this.#askers.delete(ask)
  }

  /** Bytes of a piece: fewer only in the last. */
  bytesOf(index: number): number {
    const { content, pieceLength } = this.torrent
    return Math.min(pieceLength, content.length - index * pieceLength)
  }

  /** Takes a whole piece. @throws {WireError} when it is not what the torrent says. */
  keep(index: number, bytes: Uint8Array): void {
    this.#claimed.delete(index)
    if (!equalBytes(this.#hashOf(bytes), this.#wanted(index)))
      throw new WireError(`piece ${index} has another hash`, { at: 'torrent' })
    this.#have.add(index)
    if (this.#partial === null) this.#sink.small(this.torrent.content, bytes)
    else this.#store(this.#partial, index, bytes)
    if (this.#have.isFull) {
      this.#partial?.finish(null)
      this.#onWhole()
    }
  }

  #store(partial: PartialContent, index: number, bytes: Uint8Array): void {
    const start = index * this.torrent.pieceLength
    partial.write(start, bytes)
    const last = Math.floor((start + bytes.length - 1) / partial.unitBytes)
    for (let unit = Math.floor(start / partial.unitBytes); unit <= last; unit++)
      if (this.#isCovered(partial, unit)) partial.mark(unit)
  }

  #hashOf(bytes: Uint8Array): Uint8Array {
    if (this.#have.size === 1) return rootBytes(contentRoot(bytes))
    return subtreeRoot(leavesOf(bytes), pieceLevel(this.torrent.pieceLength), 0)
  }
  #wanted(index: number): Uint8Array {
    if (this.#have.size === 1) return rootBytes(this.torrent.content.root)
    return this.torrent.pieceLayer.subarray(index * ROOT_BYTES, (index + 1) * ROOT_BYTES)
  }

  /** Are all units that a piece touches marked? */
  #isMarked(partial: PartialContent, index: number): boolean {
    const start = index * this.torrent.pieceLength
    const last = Math.floor((start + this.bytesOf(index) - 1) / partial.unitBytes)
    for (let unit = Math.floor(start / partial.unitBytes); unit <= last; unit++)
      if (!partial.isMarked(unit)) return false
    return true
  }
  /** Are all pieces that a unit touches here? */
  #isCovered(partial: PartialContent, unit: number): boolean {
    const { content, pieceLength } = this.torrent
    const start = unit * partial.unitBytes
    const last = Math.floor((Math.min(start + partial.unitBytes, content.length) - 1) / pieceLength)
    for (let index = Math.floor(start / pieceLength); index <= last; index++)
      if (!this.#have.has(index)) return false
    return true
  }
}

/** ContentSink.small's cap. */
const SMALL = 64 * 1024

/** A piece on its way from one client. */
type Coming = { readonly bytes: Uint8Array; missing: number; readonly blocks: PieceSet }

class Leeching {
  readonly #peer: TorrentPeer
  readonly #leech: TorrentLeech
  #there: PieceSet
  readonly #coming = new Map<number, Coming>()
  #waiting = 0
  #choked = true

  constructor(peer: TorrentPeer, leech: TorrentLeech) {
    this.#peer = peer
    this.#leech = leech
    this.#there = new PieceSet(leech.have.size)
    peer.bitfield(leech.have.encode())
    if (!leech.isWhole) peer.interested()
    leech.join(this.#ask)
  }

  readonly events: TorrentEvents = {
    ...DEAF,
    onBitfield: (bytes) => {
      this.#there = PieceSet.decode(bytes, this.#leech.have.size)
      this.#ask()
    },
    onHaveAll: () => {
      this.#there = PieceSet.full(this.#leech.have.size)
      this.#ask()
    },
    onHavePiece: (index) => {
      this.#there.add(index)
      this.#ask()
    },
    onUnchoke: () => {
      this.#choked = false
      this.#ask()
    },
    onChoke: () => {
      this.#choked = true
    },
    onPiece: (index, begin, bytes) => this.#take(index, begin, bytes),
    onReject: (index) => {
      this.#waiting--
      // choking rejects what waits; without it the client has not what it said it has
      if (!this.#choked) this.#there.remove(index)
      if (this.#coming.delete(index)) this.#leech.release([index])
    },
    onClose: () => {
      this.#leech.part(this.#ask)
      this.#leech.release(this.#coming.keys())
    },
  }

  readonly #ask = (): void => {
    const depth = Math.min(DEPTH, this.#peer.maxRequests)
    while (!this.#choked && this.#waiting < depth) {
      const index = this.#leech.claim(this.#there)
      if (index === null) return
      const length = this.#leech.bytesOf(index)
      const count = Math.ceil(length / LEAF_BYTES)
      this.#coming.set(index, {
        bytes: new Uint8Array(length),
        missing: count,
        blocks: new PieceSet(count),
      })
      this.#waiting += count
      for (let begin = 0; begin < length; begin += LEAF_BYTES)
        this.#peer.request(index, begin, Math.min(LEAF_BYTES, length - begin))
    }
  }

  #take(index: number, begin: number, bytes: Uint8Array): void {
    this.#waiting--
    const piece = this.#coming.get(index)
    const block = begin / LEAF_BYTES
    if (piece === undefined || piece.blocks.has(block)) return
    piece.blocks.add(block)
    piece.bytes.set(bytes, begin)
    if (--piece.missing > 0) return
    this.#coming.delete(index)
    this.#leech.keep(index, piece.bytes)
    this.#peer.havePiece(index)
    if (this.#leech.isWhole) this.#peer.notInterested()
    else this.#ask()
  }
}
