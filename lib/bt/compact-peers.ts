/** Peers as packed bytes: address, then port big-endian; 6 bytes for IPv4 (BEP 23), 18 for IPv6 (BEP 7). */
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'

/** 4 or 16 bytes of address, one char each, so that it can be compared and be a key. */
export type CompactPeer = { readonly address: string; readonly port: number }

/** Those of `peers` whose address has `width` bytes, packed. */
export function encodeCompact(peers: readonly CompactPeer[], width: 4 | 16): Uint8Array {
  const chosen = peers.filter(({ address }) => address.length === width)
  const out = new Uint8Array(chosen.length * (width + 2))
  let at = 0
  for (const { address, port } of chosen) {
    for (let i = 0; i < width; i++) out[at++] = address.charCodeAt(i)
    out[at++] = port >> 8
    out[at++] = port & 0xff
  }
  return out
}

/** @throws {WireError} unless it is whole peers. Peers without a port are left out. */
export function decodeCompact(bytes: Uint8Array, width: 4 | 16): CompactPeer[] {
  const size = width + 2
  if (bytes.length % size !== 0) throw new WireError('compact peers cut short')
  const out: CompactPeer[] = []
  const end = Math.min(bytes.length, size * LIMITS.swarmPeers)
  for (let at = 0; at < end; at += size) {
    const port = (bytes[at + width] ?? 0) * 256 + (bytes[at + width + 1] ?? 0)
    if (port > 0)
      out.push({ address: String.fromCharCode(...bytes.subarray(at, at + width)), port })
  }
  return out
}

/** '192.0.2.1' or '2001:db8::1' → 4 or 16 bytes, one char each; null for anything else. A mapped IPv4 address becomes plain. */
export function addressOf(host: string): string | null {
  const plain = MAPPED.test(host) ? host.slice(MAPPED_LENGTH) : host
  if (!plain.includes(':')) return fourBytes(plain)
  const groups = groupsOf(host)
  return groups === null
    ? null
    : groups.map((group) => String.fromCharCode(group >> 8, group & 0xff)).join('')
}

/** Four numbers below 256 between dots, of one to three digits each; null: something else. */
function fourBytes(text: string): string | null {
  let [bytes, byte, digits] = ['', 0, 0]
  for (let i = 0; i <= text.length; i++) {
    const char = i < text.length ? text.charCodeAt(i) : DOT
    if (char >= ZERO && char < ZERO + 10) {
      byte = byte * 10 + char - ZERO
      digits++
    } else if (char !== DOT || digits === 0 || digits > 3 || byte > 255) return null
    else {
      bytes += String.fromCharCode(byte)
      byte = digits = 0
    }
  }
  return bytes.length === 4 ? bytes : null
}
const [DOT, ZERO] = [0x2e, 0x30]
const MAPPED = /^::ffff:[\d.]*\.[\d.]*$/i
const MAPPED_LENGTH = '::ffff:'.length

/** The text of an address: RFC 5952 but for the shortening of zeros. */
export function hostOf(address: string): string {
  const bytes = Buffer.from(address, 'latin1')
  if (bytes.length === 4) return bytes.join('.')
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')
}

/** Eight numbers of 16 bits, or null. RFC 4291 §2.2, without the form that ends in an IPv4 address. */
function groupsOf(host: string): number[] | null {
  const sides = host.split('::')
  if (sides.length > 2 || !/^[0-9a-f:]{2,39}$/i.test(host)) return null
  const [left = [], right = []] = sides.map((side) => (side === '' ? [] : side.split(':')))
  const gap = 8 - left.length - right.length
  if (sides.length === 2 ? gap < 1 : gap !== 0) return null
  const groups = [...left, ...new Array<string>(gap).fill('0'), ...right]
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : null
}
