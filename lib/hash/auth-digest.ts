/**
 * The answer to a daemon's challenge: base64, without its padding, of a digest over password and challenge.
 * prsync-protocol(7), daemon, authentication. Short messages: once a connection.
 */
import { createHash } from 'node:crypto'
import { md4 } from '../kernel/reference-md4.js'

/** Best first: both sides take the first that both know. `md4-old` is never named: it is what protocols below 30 use. */
export const AUTH_DIGESTS = ['sha512', 'sha256', 'sha1', 'md5', 'md4'] as const
export type AuthDigest = (typeof AUTH_DIGESTS)[number] | 'md4-old'

/** @param password one char per byte @param challenge as it came, ASCII */
export function authResponse(digest: AuthDigest, password: string, challenge: string): string {
  const salt = digest === 'md4-old' ? '\0\0\0\0' : ''
  return digestText(digest, Buffer.from(`${salt}${password}${challenge}`, 'latin1'))
}

/** A challenge of the digest's size over bytes that nobody can guess. */
export function challengeOf(digest: AuthDigest, entropy: Uint8Array): string {
  return digestText(digest, entropy)
}

function digestText(digest: AuthDigest, bytes: Uint8Array): string {
  const sum =
    digest === 'md4' || digest === 'md4-old'
      ? md4(bytes)
      : createHash(digest).update(bytes).digest()
  return Buffer.from(sum).toString('base64').replace(/=+$/, '')
}
