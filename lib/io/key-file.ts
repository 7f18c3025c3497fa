/** The centre's Ed25519 key on disk: the seed in hex, readable by its owner only, made at the first start. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf, messageOf, StartupError } from '../base/errors.js'

/** The 32-byte seed, and whether it was made now. @throws {StartupError} */
export function openKeyFile(path: string): { seed: Uint8Array; made: boolean } {
  try {
    return { seed: parse(readFileSync(path, 'utf8'), path), made: false }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw wrapped(path, error)
  }
  const seed = randomBytes(32)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, `${seed.toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw wrapped(path, error)
  }
  return { seed, made: true }
}

function parse(text: string, path: string): Uint8Array {
  const hex = text.trim()
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new StartupError(`${path} holds no key`)
  return Buffer.from(hex, 'hex')
}
function wrapped(path: string, cause: unknown): StartupError {
  return cause instanceof StartupError
    ? cause
    : new StartupError(`cannot use the key ${path}: ${messageOf(cause)}`, { cause })
}
