/**
 * What a header says about the bytes of a file: its validators, and its digest by RFC 3230 (which the clients in use know) and
 * by RFC 9530 (which followed it).
 */
import { equalBytes } from '../base/bytes.js'
import { httpDate } from '../base/http-date.js'

/** nginx's form, so that a volunteer behind one gives the same. @param mtimeMs since 1970 */
export function etagOf(mtimeMs: number, size: number): string {
  return `"${Math.floor(mtimeMs / 1000).toString(16)}-${size.toString(16)}"`
}

/** To the second: package managers resume by it. */
export function lastModifiedOf(mtimeMs: number): string {
  return httpDate(Math.floor(mtimeMs / 1000))
}

/** RFC 3230 §4.3.2. It is of the file, also on a redirect and on a part of it. @param sha256 in base64 */
export function formatDigest(sha256: string): string {
  return `SHA-256=${sha256}`
}

/** RFC 9530 §3: of the representation that the answer is about, so never on a redirect. */
export function formatReprDigest(sha256: string): string {
  return `sha-256=:${sha256}:`
}

/** Does a Digest or a Repr-Digest field say this? Other algorithms in it say nothing; null where it has no SHA-256. */
export function digestAgrees(field: string, sha256: Uint8Array): boolean | null {
  const [, told] = /(?:^|,)\s*sha-256=:?([A-Za-z0-9+/]{43}=)/i.exec(field) ?? []
  return told === undefined ? null : equalBytes(Buffer.from(told, 'base64'), sha256)
}
