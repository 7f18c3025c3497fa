/**
 * What the centre asks a volunteer for, as an ordinary client would, and what the answer tells of it: one range of one file, held
 * against the leaf hashes of the snapshot. Values in, values out; who asks is `app/audits.ts`.
 */
import { hexOf } from '../base/bytes.js'
import { LEAF_BYTES, leafHash } from '../hash/merkle.js'
import type { Evidence } from './health.js'

/** Leaves of one range: 64 KiB. */
const LEAVES = 4
export const AUDIT_BYTES = LEAVES * LEAF_BYTES
const HASH_BYTES = 32
/** Of a hash, as evidence shows it. */
const SHOWN = 16

/** About one a minute and volunteer. */
const USUAL_MS = 60_000
/** After a failure, and after each further one twice as long. */
const AGAIN_MS = 2000
const MOST_AGAIN_MS = 300_000

/** What is asked for, and what would be right. */
export type AuditAsk = {
  /** `module/name`, for who reads the evidence. */
  readonly what: string
  readonly length: number
  /** Of a leaf. */
  readonly offset: number
  /** All packed leaf hashes of the file. */
  readonly leaves: Uint8Array
  readonly etag: string
  /** Where a volunteer may send clients back to: begins their URL. */
  readonly centre: string
}

export type AuditReply = {
  readonly status: number
  readonly etag: string | null
  readonly location: string | null
  readonly contentRange: string | null
  /** As many as were asked for, or fewer where it broke off. */
  readonly bytes: Uint8Array
}

/** @param draw from 0 to below 1 @returns the first byte of a range that begins with a leaf */
export function auditOffset(length: number, draw: number): number {
  return Math.floor(draw * Math.ceil(length / AUDIT_BYTES)) * AUDIT_BYTES
}

/** As many bytes as are asked for. */
export function auditBytes({ length, offset }: Pick<AuditAsk, 'length' | 'offset'>): number {
  return Math.min(AUDIT_BYTES, length - offset)
}

/** What the answer tells. A client that gets what is called failed here would be lost, too. */
export function judged(ask: AuditAsk, reply: AuditReply): Evidence {
  const { what, offset, length } = ask
  const failed = (why: string): Evidence => ({ kind: 'probe', ok: false, what: `${what}: ${why}` })
  if (reply.status === 307 && reply.location?.startsWith(ask.centre) === true)
    return { kind: 'bounce', lacks: true }
  if (reply.status !== 206) return failed(`answers ${reply.status} to a range`)
  const end = offset + auditBytes(ask)
  if (reply.contentRange !== `bytes ${offset}-${end - 1}/${length}`)
    return failed(`gives ${reply.contentRange ?? 'no range'} of ${length} bytes`)
  if (reply.etag !== ask.etag) return failed(`ETag ${reply.etag ?? 'none'}, not ${ask.etag}`)
  const wrong = wrongLeaf(ask, reply.bytes)
  if (wrong !== null) return { kind: 'audit', ok: false, what: `${what} ${wrong}` }
  if (reply.bytes.length < end - offset) return failed(`broke off after ${reply.bytes.length}`)
  return { kind: 'audit', ok: true, what }
}

/** The first whole leaf that is not what it should be; null: all that came are. */
export function wrongLeaf(
  { offset, length, leaves }: Pick<AuditAsk, 'offset' | 'length' | 'leaves'>,
  bytes: Uint8Array,
): string | null {
  for (let at = 0; at < bytes.length; at += LEAF_BYTES) {
    const from = offset + at
    const size = Math.min(LEAF_BYTES, length - from)
    if (bytes.length - at < size) return null
    const index = from / LEAF_BYTES
    const expected = hexOf(leaves.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES))
    const got = hexOf(leafHash(bytes.subarray(at, at + size)))
    if (got !== expected)
      return `${from}-${from + size - 1}: SHA-256 ${got.slice(0, SHOWN)}…, not ${expected.slice(0, SHOWN)}…`
  }
  return null
}

/**
 * When to ask it again.
 * @param failures in a row @param draw from 0 to below 1, so that not all are asked at once
 */
export function nextAuditMs(failures: number, draw: number): number {
  const base =
    failures === 0 ? USUAL_MS : Math.min(MOST_AGAIN_MS, AGAIN_MS * 2 ** Math.min(20, failures - 1))
  return base * (0.5 + draw)
}
