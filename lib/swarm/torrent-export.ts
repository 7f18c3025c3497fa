/**
 * A content as an ordinary torrent: one canonical single-file v2 torrent for equal bytes, whatever their name and snapshot, and
 * the side of the wire that gives them to ordinary clients. BEP 3, 6, 52; the quirks are libtorrent 2.0.8's.
 */
import { messageOf } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { PieceSet } from '../bt/bitfield.js'
import { pieceCount, pieceLevel, type Torrent } from '../bt/metainfo.js'
import { type HashRange, LEAF_BYTES, layerAt } from '../hash/merkle.js'
import { ProofTree } from '../hash/proof-tree.js'
import { type ContentId, type Root, rootHex } from '../hash/root.js'
import type { Holding } from '../host.js'
import { DEAF } from './deaf.js'
import type { Topic, TorrentEvents, TorrentPeer } from './peer.js'

const LEAST_PIECE = 64 * 1024
const MOST_PIECES = 1024

/** The smallest power of two from 64 KiB to 16 MiB that makes at most 1024 pieces. */
export function pieceLengthOf(length: number): number {
  let piece = LEAST_PIECE
  while (piece < LIMITS.pieceBytes && length > piece * MOST_PIECES) piece *= 2
  return piece
}

/** @param leaves all packed leaf hashes of the content. */
export function torrentOf(
  content: ContentId,
  leaves: Uint8Array,
  where: { readonly announce: string | null; readonly urls: readonly string[] },
): Torrent {
  const pieceLength = pieceLengthOf(content.length)
  const isOnePiece = content.length <= pieceLength
  const pieceLayer = isOnePiece ? new Uint8Array(0) : layerAt(leaves, pieceLevel(pieceLength))
  return { content, name: rootHex(content.root), pieceLength, pieceLayer, ...where }
}

/** Gives what stands here of the torrent's content to whoever asks for it. */
export function seedTopic(torrent: Torrent, holding: Holding): Topic {
  return { kind: 'torrent', attach: (peer) => new Seeding(peer, torrent, holding).events }
}

type Asked = { readonly index: number; readonly begin: number; readonly length: number }

class Seeding {
  readonly #peer: TorrentPeer
  readonly #torrent: Torrent
  readonly #holding: Holding
  readonly #end = new AbortController()
  readonly #queue: Asked[] = []
  #isServing = false
  #proofs: ProofTree | null = null

  constructor(peer: TorrentPeer, torrent: Torrent, holding: Holding) {
    this.#peer = peer
    this.#torrent = torrent
    this.#holding = holding
    peer.bitfield(piecesOf(torrent, holding).encode())
  }

  readonly events: TorrentEvents = {
    ...DEAF,
    onInterested: () => this.#peer.unchoke(),
    onNotInterested: () => this.#peer.choke(),
    onRequest: (index, begin, length) => {
      // the wire takes no more than LIMITS.peerRequests of them
      this.#queue.push({ index, begin, length })
      if (!this.#isServing) void this.#serve()
    },
    onHashRequest: (root, range) => this.#prove(root, range),
    onClose: () => this.#end.abort(),
  }

  /** One block after the other; taken back or not, the wire knows what still stands open. */
  async #serve(): Promise<void> {
    this.#isServing = true
    try {
      for (let asked = this.#queue.shift(); asked !== undefined; asked = this.#queue.shift()) {
        if (this.#end.signal.aborted) return
        if (this.#peer.unsent > LIMITS.unsentBytes) await this.#peer.drained(this.#end.signal)
        await this.#give(asked)
      }
    } catch (error) {
      this.#peer.close(messageOf(error))
    } finally {
      this.#isServing = false
    }
  }

  async #give({ index, begin, length }: Asked): Promise<void> {
    const { content, pieceLength } = this.#torrent
    const offset = index * pieceLength + begin
    const there = Math.min(length, content.length - offset)
    // Past the end of a piece there is nothing, and past the content only what fills its last leaf.
    const isInside =
      begin + length <= pieceLength &&
      there > 0 &&
      offset + length <= Math.ceil(content.length / LEAF_BYTES) * LEAF_BYTES
    if (!isInside || !this.#holding.has(offset, there))
      return this.#peer.reject(index, begin, length)
    const bytes = await this.#holding.read(offset, there)
    if (bytes.length < there) return this.#peer.reject(index, begin, length)
    this.#peer.piece(index, begin, bytes.length === length ? bytes : filled(bytes, length))
  }

  #prove(root: Root, range: HashRange): void {
    const leaves = root === this.#torrent.content.root ? this.#holding.leaves() : null
    if (leaves !== null) this.#proofs ??= new ProofTree(leaves)
    const packed = this.#proofs?.prove(range) ?? null
    if (leaves === null || packed === null) this.#peer.hashReject(root, range)
    else this.#peer.hashes(root, range, packed)
  }
}

/** The pieces all of whose bytes stand here. */
function piecesOf(torrent: Torrent, holding: Holding): PieceSet {
  const { content, pieceLength } = torrent
  const count = pieceCount(torrent)
  if (holding.has(0, content.length)) return PieceSet.full(count)
  const set = new PieceSet(count)
  for (let i = 0; i < count; i++) {
    const start = i * pieceLength
    if (holding.has(start, Math.min(pieceLength, content.length - start))) set.add(i)
  }
  return set
}

function filled(bytes: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length)
  out.set(bytes)
  return out
}
