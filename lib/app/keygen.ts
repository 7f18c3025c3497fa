/** A centre's key, made where there is none. */

import { keyPairOf } from '../hash/ed25519.js'
import { openKeyFile } from '../io/key-file.js'
import { fingerprint } from '../snapshot/head.js'

/** @throws {StartupError} where the file cannot be written or holds something else */
export function keygen(path: string): { fingerprint: string; made: boolean } {
  const { seed, made } = openKeyFile(path)
  return { fingerprint: fingerprint(keyPairOf(seed).publicKey), made }
}
