/** Message ids of the peer wire and how long each message may be. BEP 3, 5, 6, 10, 52. */
import { WireError } from '../base/errors.js'
import { HASH_HEAD_BYTES, HASH_REJECT, HASH_REQUEST, HASHES } from '../bt/hash-message.js'

export const ID = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  port: 9,
  suggest: 13,
  haveAll: 14,
  haveNone: 15,
  reject: 16,
  allowedFast: 17,
  extended: 20,
} as const

/** Bytes of the length in front of each message. */
export const LENGTH_BYTES = 4

/** Bytes with the id, least and most; others have at least their id, and the cap of all. */
const SIZES: ReadonlyMap<number, readonly [least: number, most: number]> = new Map([
  [ID.choke, [1, 1]],
  [ID.unchoke, [1, 1]],
  [ID.interested, [1, 1]],
  [ID.notInterested, [1, 1]],
  [ID.have, [5, 5]],
  [ID.request, [13, 13]],
  [ID.piece, [10, Number.POSITIVE_INFINITY]],
  [ID.cancel, [13, 13]],
  [ID.port, [3, 3]],
  [ID.suggest, [5, 5]],
  [ID.haveAll, [1, 1]],
  [ID.haveNone, [1, 1]],
  [ID.reject, [13, 13]],
  [ID.allowedFast, [5, 5]],
  [ID.extended, [2, Number.POSITIVE_INFINITY]],
  [HASH_REQUEST, [1 + HASH_HEAD_BYTES, 1 + HASH_HEAD_BYTES]],
  [HASHES, [1 + HASH_HEAD_BYTES, Number.POSITIVE_INFINITY]],
  [HASH_REJECT, [1 + HASH_HEAD_BYTES, 1 + HASH_HEAD_BYTES]],
])

/** The id of a whole message that is no keep-alive. @throws {WireError} where its kind is of another length. */
export function idOf(message: Uint8Array): number {
  const id = message[LENGTH_BYTES] ?? 0
  const length = message.length - LENGTH_BYTES
  const [least, most] = SIZES.get(id) ?? ANY
  if (length < least || length > most)
    throw new WireError(`message ${id} of ${length} bytes`, { at: 'BitTorrent' })
  return id
}
const ANY = [1, Number.POSITIVE_INFINITY] as const
