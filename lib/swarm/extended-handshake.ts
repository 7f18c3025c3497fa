/**
 * The extended handshake as we read it: a dictionary of which a few keys mean something here. BEP 10.
 * Decoded with bounds, then said again in our own words: what the wire library sees holds nothing of the peer's but numbers.
 */
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import {
  bytesAt,
  decodeDictionary,
  dictionary,
  encodeBencode,
  integerAt,
  isDictionary,
  PEER_BOUNDS,
} from '../bt/bencode.js'
import { CONTENT_EXTENSION } from './content-ext.js'

export type ExtendedHandshake = {
  /** The id it wants ps_content sent with, or null: it does not speak it. */
  readonly contentId: number | null
  /** Its name and version for logs, in bytes as they came. */
  readonly client: Uint8Array | null
  readonly listenPort: number | null
  /** Requests it lets us have waiting. */
  readonly maxRequests: number
  readonly maxRequestBytes: number
}

/** What BEP 10 lets a peer have waiting that says nothing. */
const USUAL_REQUESTS = 250

/** Of a peer that has sent none. */
export const NO_HANDSHAKE: ExtendedHandshake = {
  contentId: null,
  client: null,
  listenPort: null,
  maxRequests: USUAL_REQUESTS,
  maxRequestBytes: LIMITS.foreignRequestBytes,
}

/** The keys we send beside `m`, which the library fills. */
export function helloFields(
  listenPort: number | null,
  maxRequestBytes: number,
): Record<string, string | number> {
  const fields = { v: 'prsync', reqq: LIMITS.peerRequests, ps_max_request: maxRequestBytes }
  return listenPort === null ? fields : { ...fields, p: listenPort }
}

/** @throws {WireError} on what is no bounded dictionary. Keys of a wrong type count as absent. */
export function decodeExtendedHandshake(payload: Uint8Array): ExtendedHandshake {
  if (payload.length > LIMITS.extendedHandshakeBytes)
    throw new WireError(`${payload.length} bytes`, { at: 'extended handshake' })
  const fields = decodeDictionary(payload, PEER_BOUNDS)
  const ids = fields.get('m')
  const reqq = integerAt(fields, 'reqq', 1, Number.MAX_SAFE_INTEGER) ?? USUAL_REQUESTS
  const largest =
    integerAt(fields, 'ps_max_request', LIMITS.foreignRequestBytes, Number.MAX_SAFE_INTEGER) ??
    LIMITS.foreignRequestBytes
  return {
    contentId: (isDictionary(ids) ? integerAt(ids, CONTENT_EXTENSION, 1, 255) : undefined) ?? null,
    client: bytesAt(fields, 'v')?.slice(0, 64) ?? null,
    listenPort: integerAt(fields, 'p', 1, 65535) ?? null,
    maxRequests: Math.min(reqq, LIMITS.peerRequests),
    maxRequestBytes: Math.min(largest, LIMITS.requestBytes),
  }
}

/** The whole message, length in front, that tells the library what it has to know. */
export function plainExtendedHandshake(hello: ExtendedHandshake): Uint8Array {
  const ids = dictionary({ [CONTENT_EXTENSION]: hello.contentId ?? 0 })
  const payload = encodeBencode(dictionary({ m: ids }))
  return Uint8Array.of(0, 0, 0, payload.length + 2, 20, 0, ...payload)
}
