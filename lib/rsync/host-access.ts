/**
 * `hosts allow` and `hosts deny`: may this client come in? rsyncd.conf(5). Where a rule that denies cannot be judged (a name that
 * is not found, a mask that is none) it denies.
 */
import { compileGlob } from '../flist/wildmatch.js'
import { wordsOf } from '../options/conf.js'

/** Nobody looked for a name. */
export const UNDETERMINED = 'UNDETERMINED'
const NO_NAMES: ReadonlySet<string> = new Set([UNDETERMINED, 'UNKNOWN'])

export type PeerInfo = {
  readonly address: string
  /** By reverse lookup; UNKNOWN where there is none, UNDETERMINED where none was made. */
  readonly name: string
}

export type AccessRules = { readonly allow: string; readonly deny: string }

/** Addresses of a name, by forward lookup: null where it was not found, or not looked for. */
export type Addresses = (name: string) => readonly string[] | null

/** Is a host in a netgroup? Null: nobody can tell. */
export type InNetgroup = (group: string, host: string) => boolean | null

const NOBODY_KNOWS = (): null => null

/** Names in the rules whose addresses are wanted. */
export function namesToLookUp(rules: AccessRules): readonly string[] {
  return [...wordsOf(rules.allow), ...wordsOf(rules.deny)].filter(
    (word) => !/[*?[/@]/.test(word) && parseAddress(word) === null,
  )
}

export function mayEnter(
  rules: AccessRules,
  peer: PeerInfo,
  addresses: Addresses,
  inNetgroup: InNetgroup = NOBODY_KNOWS,
): boolean {
  const allow = wordsOf(rules.allow)
  const deny = wordsOf(rules.deny)
  const is = (word: string): boolean | null => matches(word, peer, addresses, inNetgroup)
  if (allow.some((word) => is(word) === true)) return true
  if (deny.length === 0) return allow.length === 0
  return deny.every((word) => is(word) === false)
}

/** Only what surely matches is trusted: `proxy protocol hosts`. */
export function isAmong(list: string, address: string): boolean {
  const peer = { address, name: UNDETERMINED }
  return wordsOf(list).some((word) => matches(word, peer, NOBODY_KNOWS, NOBODY_KNOWS) === true)
}

/** Null: nobody can tell. */
function matches(
  word: string,
  peer: PeerInfo,
  addresses: Addresses,
  inNetgroup: InNetgroup,
): boolean | null {
  if (word.startsWith('@'))
    return NO_NAMES.has(peer.name) ? null : inNetgroup(word.slice(1), peer.name)
  const slash = word.indexOf('/')
  if (slash >= 0) return isWithin(word.slice(0, slash), word.slice(slash + 1), peer.address)
  const exact = parseAddress(word)
  const own = parseAddress(peer.address)
  if (exact !== null) return own !== null && sameBits(exact, own, exact.length * 8)
  const name = peer.name.toLowerCase()
  const pattern = word.toLowerCase()
  if (compileGlob(pattern)(name) || pattern === '*') return true
  if (/[*?[]/.test(word)) return false
  const found = addresses(word)
  if (found === null) return null
  return own !== null && found.some((address) => sameAddress(address, own))
}

function sameAddress(text: string, own: Uint8Array): boolean {
  const address = parseAddress(text)
  return address !== null && sameBits(address, own, address.length * 8)
}

function isWithin(base: string, mask: string, text: string): boolean | null {
  const from = parseAddress(base === '0' ? '0.0.0.0' : base)
  if (from === null) return null
  const bits = maskBits(mask, from.length)
  if (bits === null) return null
  const own = parseAddress(text)
  if (own === null) return false
  if (typeof bits === 'number') return sameBits(from, own, bits)
  return (
    from.length === own.length && from.every((b, i) => ((b ^ (own[i] ?? 0)) & (bits[i] ?? 0)) === 0)
  )
}

/** How many leading bits count, or which. */
function maskBits(mask: string, length: number): number | Uint8Array | null {
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= length * 8 ? Number(mask) : null
  const bits = parseAddress(mask)
  return bits?.length === length ? bits : null
}

function sameBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  if (a.length !== b.length) return false
  return a.every((byte, i) => {
    const counted = Math.max(0, Math.min(8, bits - i * 8))
    return ((byte ^ (b[i] ?? 0)) & (0xff << (8 - counted)) & 0xff) === 0
  })
}

/** 4 or 16 bytes; an IPv4 address within IPv6 is an IPv4 address; a scope is left aside. Null: it is no address. */
export function parseAddress(text: string): Uint8Array | null {
  const [plain = ''] = text.split('%', 1)
  if (!plain.includes(':')) return parseV4(plain)
  const bytes = parseV6(plain)
  if (bytes === null) return null
  const isMapped =
    bytes.subarray(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255
  return isMapped ? bytes.subarray(12) : bytes
}

function parseV4(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((p) => /^\d{1,3}$/.test(p) && Number(p) < 256)) return null
  return Uint8Array.from(parts, Number)
}

function parseV6(text: string): Uint8Array | null {
  const v4 = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (v4 !== null) {
    const tail = parseV4(v4[2] ?? '')
    if (tail === null) return null
    const [a = 0, b = 0, c = 0, d = 0] = tail
    return parseV6(`${v4[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`)
  }
  const halves = text.split('::')
  if (halves.length > 2) return null
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (!groups.flat().every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null
  const [head = [], tail = []] = groups
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const all = [...head, ...Array.from({ length: missing }, () => '0'), ...tail]
  return Uint8Array.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  )
}
