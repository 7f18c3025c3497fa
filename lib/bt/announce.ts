/**
 * HTTP announce and scrape, both sides: a query string to the tracker, a bencoded answer back. BEP 3, 7 (v6 peers), 23 (compact),
 * 48 (scrape). Binary fields are percent-encoded bytes, kept as strings of one char per byte.
 */
import { bytesOf, latin1Of, utf8Bytes } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import {
  type Bencoded,
  bytesAt,
  type Dictionary,
  decodeDictionary,
  dictionary,
  encodeBencode,
  integerAt,
  isDictionary,
} from './bencode.js'
import { type CompactPeer, decodeCompact, encodeCompact, hostOf } from './compact-peers.js'

export type AnnounceEvent = 'started' | 'stopped' | 'completed' | 'update'

export type AnnounceRequest = {
  /** 20 bytes each, one char per byte. */
  readonly infoHash: string
  readonly peerId: string
  readonly port: number
  readonly uploaded: number
  readonly downloaded: number
  /** Bytes still missing; 0 for a seed. */
  readonly left: number
  readonly event: AnnounceEvent
  /** Peers it would like; null: as many as the tracker thinks right. */
  readonly wanted: number | null
  readonly compact: boolean
}

export type AnnouncePeer = CompactPeer & { /** 20 bytes, one char each. */ readonly id: string }

export type AnnounceAnswer = {
  readonly intervalSeconds: number
  readonly seeds: number
  readonly leeches: number
  readonly peers: readonly AnnouncePeer[]
}

export type ScrapeCounts = {
  readonly seeds: number
  readonly leeches: number
  /** How often a download was finished. */
  readonly completed: number
}

/** @throws {WireError} with what is wrong, fit to be sent back as `failure reason`. */
export function parseAnnounce(query: string): AnnounceRequest {
  const fields = parseQuery(query)
  const event = one(fields, 'event') ?? ''
  const compact = one(fields, 'compact')
  return {
    infoHash: twenty(one(fields, 'info_hash'), 'info_hash'),
    peerId: twenty(one(fields, 'peer_id'), 'peer_id'),
    port: number(fields, 'port', 1, 65535),
    uploaded: number(fields, 'uploaded', 0, Number.MAX_SAFE_INTEGER, 0),
    downloaded: number(fields, 'downloaded', 0, Number.MAX_SAFE_INTEGER, 0),
    left: number(fields, 'left', 0, Number.MAX_SAFE_INTEGER),
    event: event === 'started' || event === 'stopped' || event === 'completed' ? event : 'update',
    wanted: fields.has('numwant') ? number(fields, 'numwant', -1, 2 ** 31) : null,
    compact: compact !== '0',
  }
}

/** The query of a request, without its `?`. */
export function formatAnnounce(request: AnnounceRequest): string {
  const fields: Array<[string, string]> = [
    ['info_hash', request.infoHash],
    ['peer_id', request.peerId],
    ['port', String(request.port)],
    ['uploaded', String(request.uploaded)],
    ['downloaded', String(request.downloaded)],
    ['left', String(request.left)],
    ['compact', request.compact ? '1' : '0'],
  ]
  if (request.event !== 'update') fields.push(['event', request.event])
  if (request.wanted !== null) fields.push(['numwant', String(request.wanted)])
  return fields.map(([key, value]) => `${key}=${escaped(value)}`).join('&')
}

/** Compact peers as BEP 23 and 7 have them, or dictionaries where the client wants those. */
export function encodeAnnounceAnswer(answer: AnnounceAnswer, compact: boolean): Uint8Array {
  const v6 = encodeCompact(answer.peers, 16)
  const peers: Bencoded = compact
    ? encodeCompact(answer.peers, 4)
    : answer.peers.map(({ id, address, port }) =>
        dictionary({
          ip: utf8Bytes(hostOf(address)),
          'peer id': bytesOf(id),
          port,
        }),
      )
  return encodeBencode(
    dictionary({
      complete: answer.seeds,
      incomplete: answer.leeches,
      interval: answer.intervalSeconds,
      peers,
      peers6: compact && v6.length > 0 ? v6 : undefined,
    }),
  )
}

/** What a client reads of an answer: peers without ids, at most LIMITS.announcePeers × 20 of them. */
export type AnnounceNews = Omit<AnnounceAnswer, 'peers'> & {
  readonly peers: readonly CompactPeer[]
}

/** @throws {WireError} on what is no answer, and with the tracker's own words when it refuses. */
export function decodeAnnounceAnswer(bytes: Uint8Array): AnnounceNews {
  const fields = decodeDictionary(bytes, ANSWER_BOUNDS)
  const failure = bytesAt(fields, 'failure reason')
  if (failure !== undefined)
    throw new WireError(`refused: ${latin1Of(failure).replaceAll(/[^ -~]/g, '?')}`, {
      at: 'tracker',
    })
  const intervalSeconds = integerAt(fields, 'interval', 1, Number.MAX_SAFE_INTEGER)
  if (intervalSeconds === undefined) throw new WireError('no interval', { at: 'tracker' })
  const peers = bytesAt(fields, 'peers') ?? new Uint8Array(0)
  const peers6 = bytesAt(fields, 'peers6') ?? new Uint8Array(0)
  return {
    intervalSeconds,
    seeds: integerAt(fields, 'complete', 0, Number.MAX_SAFE_INTEGER) ?? 0,
    leeches: integerAt(fields, 'incomplete', 0, Number.MAX_SAFE_INTEGER) ?? 0,
    peers: [...decodeCompact(peers, 4), ...decodeCompact(peers6, 16)].slice(0, PEERS_READ),
  }
}

/** An answer that refuses, for BitTorrent clients with HTTP status 200. BEP 3. */
export function encodeFailure(reason: string): Uint8Array {
  return encodeBencode(dictionary({ 'failure reason': utf8Bytes(reason) }))
}

/** The info-hashes asked for; none: all. @throws {WireError} as parseAnnounce. */
export function parseScrape(query: string): string[] {
  const hashes = parseQuery(query).get('info_hash') ?? []
  if (hashes.length > SCRAPE_HASHES) throw new WireError('too many hashes', { at: 'scrape' })
  return hashes.map((hash) => twenty(hash, 'info_hash'))
}

export function encodeScrapeAnswer(counts: ReadonlyMap<string, ScrapeCounts>): Uint8Array {
  const files = new Map<string, Bencoded>()
  for (const [hash, { seeds, leeches, completed }] of counts)
    files.set(hash, dictionary({ complete: seeds, downloaded: completed, incomplete: leeches }))
  return encodeBencode(dictionary({ files }))
}

/** @throws {WireError} on what is no answer. */
export function decodeScrapeAnswer(bytes: Uint8Array): Map<string, ScrapeCounts> {
  const files = decodeDictionary(bytes, ANSWER_BOUNDS).get('files')
  if (!isDictionary(files)) throw new WireError('no files', { at: 'scrape' })
  const out = new Map<string, ScrapeCounts>()
  for (const [hash, counts] of files)
    if (isDictionary(counts) && hash.length === 20) out.set(hash, scrapeCounts(counts))
  return out
}
function scrapeCounts(from: Dictionary): ScrapeCounts {
  const count = (key: string): number => integerAt(from, key, 0, Number.MAX_SAFE_INTEGER) ?? 0
  return { seeds: count('complete'), leeches: count('incomplete'), completed: count('downloaded') }
}

const ANSWER_BOUNDS = { depth: 4, tokens: 10_000, order: 'lenient' } as const
const PEERS_READ = 20 * LIMITS.announcePeers
/** A request line holds no more. */
const SCRAPE_HASHES = 200
const QUERY_FIELDS = 256

/** Keys and values, percent-decoded to one char per byte; a key may come several times. */
function parseQuery(query: string): Map<string, string[]> {
  if (query.length > LIMITS.httpHeadBytes) throw new WireError('query too long')
  const pairs = query.split('&', QUERY_FIELDS + 1)
  if (pairs.length > QUERY_FIELDS) throw new WireError('too many query fields')
  const out = new Map<string, string[]>()
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    if (equals < 0) continue
    const key = unescaped(pair.slice(0, equals))
    const values = out.get(key) ?? []
    values.push(unescaped(pair.slice(equals + 1)))
    out.set(key, values)
  }
  return out
}
function unescaped(text: string): string {
  const plain = text.replaceAll('+', ' ')
  if (/%(?![0-9A-Fa-f]{2})|[^\0-\xff]/.test(plain)) throw new WireError('query not percent-encoded')
  return plain.replaceAll(/%(..)/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
function escaped(latin1: string): string {
  return latin1.replaceAll(
    /[^A-Za-z0-9._~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  )
}

function one(fields: ReadonlyMap<string, readonly string[]>, key: string): string | undefined {
  return fields.get(key)?.[0]
}
function twenty(value: string | undefined, key: string): string {
  if (value?.length !== 20) throw new WireError(`${key} is not 20 bytes`)
  return value
}
function number(
  fields: ReadonlyMap<string, readonly string[]>,
  key: string,
  least: number,
  most: number,
  absent?: number,
): number {
  const text = one(fields, key)
  if (text === undefined && absent !== undefined) return absent
  const value = text !== undefined && /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most)) throw new WireError(`${key} is no number that can be`)
  return value
}
