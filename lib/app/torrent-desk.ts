/**
 * Published files as ordinary torrents, for any BitTorrent client: the .torrent file, the tracker's knowledge of its swarm, and
 * who gives its bytes on the wire. A torrent is known from when its file is asked for; the latest of them survive a restart.
 */
import type { ByteName } from '../base/byte-name.js'
import { Cursor, EMPTY, latin1Of, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import type { HttpRequest } from '../base/http.js'
import { LIMITS } from '../base/limits.js'
import { parseAnnounce } from '../bt/announce.js'
import { addressOf } from '../bt/compact-peers.js'
import { encodeTorrent, shortInfoHash, type Torrent } from '../bt/metainfo.js'
import { leavesOf } from '../hash/merkle.js'
import { type ContentId, ROOT_BYTES, rootBytes, rootHex, rootOf } from '../hash/root.js'
import { SMALL_BYTES } from '../hash/unit.js'
import type { Clock, Holding } from '../host.js'
import type { Topic } from '../swarm/peer.js'
import { type RateLimit, spendInTurn } from '../swarm/rate-limit.js'
import { pieceLengthOf, seedTopic, torrentOf } from '../swarm/torrent-export.js'
import type { SwarmTable } from '../tracker/swarm-table.js'
import type { ServedModule } from './module.js'
import { encodePath } from './url-path.js'

/** The name in a module's index under which the latest are remembered. */
const REMEMBERED = 'torrents'

type Exported = {
  readonly module: ServedModule
  readonly content: ContentId
  /** Its piece layer, once it was asked for: 32 bytes a piece, and costly to make. */
  readonly pieceLayer: Uint8Array | null
}

export type TorrentDeskParts = {
  readonly modules: ReadonlyMap<string, ServedModule>
  readonly table: SwarmTable
  readonly clock: Clock
  /** What the centre may give, by the second. */
  readonly upload: RateLimit
  /** `http://centre:8730` */
  readonly origin: () => string
  /** The name others know this machine by; null: as they reached it. */
  readonly host: () => string | null
  /** Our peer id and the port of our wire; null: it has none. */
  readonly wire: () => { readonly id: Uint8Array; readonly port: number } | null
}

export class TorrentDesk {
  readonly #parts: TorrentDeskParts
  /** By info-hash (20 bytes, one char each), the latest asked for last. */
  readonly #exported = new Map<string, Exported>()

  constructor(parts: TorrentDeskParts) {
    this.#parts = parts
    for (const module of parts.modules.values())
      for (const content of remembered(module)) this.#open({ module, content, pieceLayer: null })
  }

  /** The .torrent file of a published file; null where its bytes are not there now. */
  async file(module: ServedModule, name: ByteName, content: ContentId): Promise<Uint8Array | null> {
    const infoHash = shortInfoHash(bare(content))
    const known = this.#exported.get(infoHash)
    const pieceLayer = known?.pieceLayer ?? (await pieceLayerOf(module, content))
    if (pieceLayer === null) return null
    this.#open({ module, content, pieceLayer })
    if (known === undefined) this.#remember(module)
    const origin = this.#parts.origin()
    const announce = `${origin}/announce`
    const urls = [`${origin}/${module.name}/${encodePath(name)}`]
    return encodeTorrent({ ...bare(content), pieceLayer, announce, urls })
  }

  /** Who answers a handshake for this info-hash; null: nobody here. */
  topic(infoHash: string): Topic | null {
    const exported = this.#exported.get(infoHash)
    if (exported === undefined) return null
    const holding = exported.module.contents.find(exported.content.root)
    if (holding === null) return null
    return seedTopic(bare(exported.content), counted(exported.module, holding, this.#parts))
  }

  /** Before an announce is answered: we ourselves are in the swarm it is about, at the address that the client reached. */
  join(request: HttpRequest): void {
    const { wire, host, clock, table } = this.#parts
    const own = wire()
    const infoHash = infoHashIn(request.query)
    if (own === null || infoHash === null || !this.#exported.has(infoHash)) return
    const address = addressOf(host() ?? request.local) ?? addressOf(request.local)
    if (address === null) return
    const peer = { address, port: own.port, id: latin1Of(own.id) }
    table.get(infoHash)?.join(peer, true, clock.monotonic())
  }

  #open(exported: Exported): void {
    const infoHash = shortInfoHash(bare(exported.content))
    this.#exported.delete(infoHash)
    this.#exported.set(infoHash, exported)
    this.#parts.table.open(infoHash)
    const oldest = this.#exported.keys().next()
    if (this.#exported.size <= LIMITS.exportedTorrents || oldest.done === true) return
    this.#exported.delete(oldest.value)
    this.#parts.table.close(oldest.value)
  }

  #remember(module: ServedModule): void {
    const out = new Writer(4096)
    for (const { module: own, content } of this.#exported.values()) {
      if (own !== module) continue
      out.put(rootBytes(content.root))
      out.u64le(BigInt(content.length))
    }
    module.store.transaction(() => module.store.putValue(REMEMBERED, out.done()))
  }
}

/** The torrent without its piece layer, which neither its info-hash nor giving its bytes needs. */
function bare(content: ContentId): Torrent {
  return {
    content,
    name: rootHex(content.root),
    pieceLength: pieceLengthOf(content.length),
    pieceLayer: EMPTY,
    announce: null,
    urls: [],
  }
}

function remembered(module: ServedModule): ContentId[] {
  const from = new Cursor(module.store.value(REMEMBERED) ?? EMPTY)
  const found: ContentId[] = []
  while (from.left >= ROOT_BYTES + 8)
    found.push({ root: rootOf(from.view(ROOT_BYTES)), length: Number(from.u64le()) })
  return found
}

/** Null where its bytes are not there now. Short contents have no leaf hashes in the index: they are made here. */
async function pieceLayerOf(module: ServedModule, content: ContentId): Promise<Uint8Array | null> {
  const holding = module.contents.find(content.root)
  if (holding === null) return null
  const isShort = holding.length <= SMALL_BYTES
  const leaves = isShort ? leavesOf(await holding.read(0, holding.length)) : holding.leaves()
  if (leaves === null) return null
  return torrentOf(content, leaves, { announce: null, urls: [] }).pieceLayer
}

/** A holding that counts what is read of it, and gives it in its turn. */
function counted(
  module: ServedModule,
  holding: Holding,
  { upload, clock }: Pick<TorrentDeskParts, 'upload' | 'clock'>,
): Holding {
  return {
    length: holding.length,
    has: (offset, length) => holding.has(offset, length),
    read: async (offset, length) => {
      await spendInTurn(upload, length, clock, never)
      const bytes = await holding.read(offset, length)
      module.torrentSent += bytes.length
      return bytes
    },
    leaves: () => holding.leaves(),
  }
}

/** A wait for the rate limit is short, and who waits may be gone: then nobody reads the answer. */
const never = new AbortController().signal

function infoHashIn(query: string): string | null {
  try {
    return parseAnnounce(query).infoHash
  } catch (error) {
    if (error instanceof WireError) return null // the tracker's own answer says what is wrong
    throw error
  }
}
