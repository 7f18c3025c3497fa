/** The admin's token on disk: 32 random bytes in hex, readable by its owner only, made at the centre's first start. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { codeOf, messageOf, StartupError } from '../base/errors.js'

/** @throws {StartupError} */
export function openTokenFile(path: string): string {
  try {
    const made = randomBytes(32).toString('hex')
    writeFileSync(path, `${made}\n`, { mode: 0o600, flag: 'wx' })
    return made
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw wrapped(path, error)
  }
  try {
    const token = readFileSync(path, 'latin1').trim()
    if (!isToken(token)) throw new StartupError(`${path} holds no token: remove it for a new one`)
    return token
  } catch (error) {
    throw wrapped(path, error)
  }
}

/** Long enough not to be guessed, and nothing that a header could not hold. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]{16,512}$/.test(text)
}

/** How long it takes tells nothing: digests of equal length are compared whole. */
export function isSameToken(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()
  return timingSafeEqual(digest(a), digest(b))
}

function wrapped(path: string, cause: unknown): StartupError {
  return cause instanceof StartupError
    ? cause
    : new StartupError(`cannot use the token ${path}: ${messageOf(cause)}`, { cause })
}
