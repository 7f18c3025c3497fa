/** Ed25519 (RFC 8032) with raw keys: 32 bytes of seed, 32 of public key, 64 of signature. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'

export type KeyPair = { readonly publicKey: Uint8Array; readonly seed: Uint8Array }

/** Key pair from its 32-byte seed. */
export function keyPairOf(seed: Uint8Array): KeyPair {
  const spki = createPublicKey(seedKey(seed)).export({ type: 'spki', format: 'der' })
  return { publicKey: spki.subarray(-32), seed }
}

export function signed(said: Uint8Array, { seed }: KeyPair): Uint8Array {
  return sign(null, said, seedKey(seed))
}

/** @param key raw, 32 bytes */
export function isSignedBy(key: Uint8Array, said: Uint8Array, signature: Uint8Array): boolean {
  const raw = createPublicKey({ key: Buffer.concat([SPKI, key]), format: 'der', type: 'spki' })
  return signature.length === 64 && verify(null, said, raw, signature)
}

// DER prefixes of a raw Ed25519 key: RFC 8410.
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

function seedKey(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
}
