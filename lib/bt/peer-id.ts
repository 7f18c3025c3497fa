/** Peer ids: 20 bytes, `-`, two letters for the client, four digits for its version, `-`, twelve of chance. BEP 20. */
import { joined, latin1Of, utf8Bytes } from '../base/bytes.js'

export const PEER_ID_BYTES = 20
/** Bytes of chance in an id. */
export const PEER_ID_TAIL = 12
const OURS = '-PS0100-'

/** @param tail PEER_ID_TAIL random bytes */
export function makePeerId(tail: Uint8Array): Uint8Array {
  if (tail.length !== PEER_ID_TAIL)
    throw new RangeError(`${PEER_ID_TAIL} bytes, not ${tail.length}`)
  return joined([utf8Bytes(OURS), tail])
}

/** Client and version of an id in that style ('LT', '2080'), else null. For logs. */
export function clientOf(
  id: Uint8Array,
): { readonly client: string; readonly version: string } | null {
  const parts = /^-([A-Za-z~]{2})([0-9A-Za-z]{4})-/.exec(latin1Of(id))
  const [, client, version] = parts ?? []
  return client === undefined || version === undefined ? null : { client, version }
}
