/** Messages of the peer wire, made by hand: what a hostile or an ordinary peer would send. */
import { joined, utf8Bytes } from '../../lib/base/bytes.js'

/** Numbers are u32 big-endian, strings one char per byte. */
export function message(id: number, ...fields: Array<number | string | Uint8Array>): Uint8Array {
  const parts = fields.map((field) => {
    if (typeof field === 'number') return u32(field)
    return typeof field === 'string' ? Uint8Array.from(Buffer.from(field, 'latin1')) : field
  })
  const body = joined([Uint8Array.of(id), ...parts])
  return joined([u32(body.length), body])
}
function u32(value: number): Uint8Array {
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, value)
  return out
}

const FAST = 0x04
const V2 = 0x10
export function handshake(
  options: { infoHash?: Uint8Array; id?: string; extended?: boolean; last?: number } = {},
): Uint8Array {
  const reserved = new Uint8Array(8)
  if (options.extended !== false) reserved[5] = 0x10
  reserved[7] = options.last ?? FAST | V2
  return joined([
    Uint8Array.of(19),
    utf8Bytes('BitTorrent protocol'),
    reserved,
    options.infoHash ?? new Uint8Array(20),
    utf8Bytes(options.id ?? '-XX0000-abcdefghijkl'),
  ])
}
export const EXTENDED = 20
/** An extended handshake that speaks ps_content under the id 7. */
export const CONTENT_HELLO = message(EXTENDED, '\0', 'd1:md10:ps_contenti7eee')
