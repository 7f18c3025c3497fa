/**
 * The signed head of a module: which snapshot is current. Text, a field a line, in this order; the last line signs the
 * exact bytes before it with Ed25519 (RFC 8032). Laid down in prsync-snapshot(5) HEADS.
 */
import { hash } from 'node:crypto'
import { joined, utf8Bytes, utf8Of } from '../base/bytes.js'
import { TrustError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { isSignedBy, type KeyPair, signed } from '../hash/ed25519.js'
import { type ContentId, parseRootHex, rootHex } from '../hash/root.js'

export type Head = {
  /** Letters, digits, `.`, `_`, `-`; 64 at most. */
  readonly module: string
  /** Raw Ed25519 public key of the module, 32 bytes. */
  readonly key: Uint8Array
  /** 1 for the first snapshot, one more for each. */
  readonly sequence: number
  /** SHA-256 of the signed head before, in hex; null for the first. */
  readonly previous: string | null
  /** The page of the top directory; null: an empty tree. */
  readonly page: ContentId | null
  /** Seconds since the epoch. */
  readonly time: number
  readonly expires: number
  readonly files: number
  readonly bytes: number
}

const MAGIC = 'prsync-head 1'
const SIGNATURE = 'signature: '

/** The signed head, ready to be published. */
export function encodeHead(head: Head, keys: KeyPair): Uint8Array {
  const body = utf8Bytes(bodyOf(head))
  const signature = Buffer.from(signed(body, keys))
  return joined([body, utf8Bytes(`${SIGNATURE}${signature.toString('base64')}\n`)])
}

/**
 * Parses a head and checks that its own key signed it. Whether that key is to be trusted: snapshot/trust.
 * @throws {TrustError}
 */
export function decodeHead(bytes: Uint8Array): Head {
  if (bytes.length > LIMITS.headBytes) throw new TrustError(`head of ${bytes.length} bytes`)
  const text = textOf(bytes)
  const at = text.lastIndexOf(`\n${SIGNATURE}`) + 1
  if (at === 0 || !text.endsWith('\n')) throw new TrustError('head without a signature')
  const head = parseBody(text.slice(0, at))
  const signature = Buffer.from(text.slice(at + SIGNATURE.length, -1), 'base64')
  const canonical = `${SIGNATURE}${signature.toString('base64')}\n` === text.slice(at)
  if (!canonical || signature.length !== 64) throw new TrustError('head with a malformed signature')
  if (!isSignedBy(head.key, bytes.subarray(0, at), signature))
    throw new TrustError('head whose signature does not match: it was altered on the way')
  return head
}

/** What names a signed head: SHA-256 of its bytes, in hex. */
export function headDigest(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

/** What a person compares: `SHA256:` and the digest of the raw key in base64, as ssh-keygen prints it. */
export function fingerprint(key: Uint8Array): string {
  return `SHA256:${hash('sha256', key, 'base64').replace(/=+$/, '')}`
}

export function isModuleName(name: string): boolean {
  return /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(name)
}

/** The info-hash of a module's swarm: it does not change with its snapshots. 20 bytes. */
export function swarmInfoHash(head: Pick<Head, 'key' | 'module'>): Uint8Array {
  const parts = [utf8Bytes('prsync-module-v1'), head.key, utf8Bytes(head.module)]
  return hash('sha256', joined(parts), 'buffer').subarray(0, 20)
}

function bodyOf(head: Head): string {
  const page = head.page === null ? 'empty' : `${rootHex(head.page.root)} ${head.page.length}`
  return [
    MAGIC,
    `module: ${head.module}`,
    `key: ${Buffer.from(head.key).toString('base64')}`,
    `sequence: ${head.sequence}`,
    `previous: ${head.previous ?? 'none'}`,
    `page: ${page}`,
    `time: ${head.time}`,
    `expires: ${head.expires}`,
    `files: ${head.files}`,
    `bytes: ${head.bytes}`,
    '',
  ].join('\n')
}

const FIELDS = [
  'module',
  'key',
  'sequence',
  'previous',
  'page',
  'time',
  'expires',
  'files',
  'bytes',
] as const

function parseBody(body: string): Head {
  const lines = body.split('\n')
  if (lines[0] !== MAGIC) throw new TrustError('not a head that this version of prsync knows')
  const value = (field: (typeof FIELDS)[number]): string => {
    const line = lines[1 + FIELDS.indexOf(field)] ?? ''
    if (!line.startsWith(`${field}: `)) throw new TrustError(`head without '${field}'`)
    return line.slice(field.length + 2)
  }
  const number = (field: (typeof FIELDS)[number]): number => {
    const n = Number(value(field))
    if (!Number.isSafeInteger(n) || n < 0) throw new TrustError(`head: ${field} is no number`)
    return n
  }
  const previous = value('previous')
  const head: Head = {
    module: value('module'),
    key: Buffer.from(value('key'), 'base64'),
    sequence: number('sequence'),
    previous: previous === 'none' ? null : previous,
    page: parsePage(value('page')),
    time: number('time'),
    expires: number('expires'),
    files: number('files'),
    bytes: number('bytes'),
  }
  if (!isModuleName(head.module)) throw new TrustError('head: not a module name')
  if (head.sequence === 0) throw new TrustError('head: sequences begin with 1')
  if (head.previous !== null && !/^[0-9a-f]{64}$/.test(head.previous))
    throw new TrustError('head: previous is no digest')
  if (head.key.length !== 32) throw new TrustError('head: not an Ed25519 key')
  if (bodyOf(head) !== body) throw new TrustError('head not in its one form')
  return head
}

function parsePage(text: string): ContentId | null {
  if (text === 'empty') return null
  const [hex = '', length = ''] = text.split(' ')
  const root = parseRootHex(hex)
  const bytes = Number(length)
  if (root === null || !Number.isInteger(bytes) || bytes < 1 || bytes > LIMITS.pageBytes)
    throw new TrustError('head: no page')
  return { root, length: bytes }
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8Of(bytes)
  } catch (cause) {
    throw new TrustError('head is not text', { cause })
  }
}
