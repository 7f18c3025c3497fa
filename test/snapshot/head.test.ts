import assert from 'node:assert/strict'
import t from 'tap'
import { hexOf, utf8Bytes } from '../../lib/base/bytes.js'
import { TrustError } from '../../lib/base/errors.js'
import { keyPairOf } from '../../lib/hash/ed25519.js'
import { rootOf } from '../../lib/hash/root.js'
import {
  decodeHead,
  encodeHead,
  fingerprint,
  type Head,
  isModuleName,
  swarmInfoHash,
} from '../../lib/snapshot/head.js'
import fc from '../support/properties.js'
import { testVectors } from '../support/vectors.js'

const keys = keyPairOf(Uint8Array.from({ length: 32 }, (_, i) => i))

const HEAD: Head = {
  module: 'debian',
  key: keys.publicKey,
  sequence: 1,
  previous: null,
  page: null,
  time: 0,
  expires: 0,
  files: 0,
  bytes: 0,
}

t.test('vectors', async (t) =>
  testVectors(t, 'snapshot/head.vec', {
    decode: decodeHead,
    encode: (head) => encodeHead(head, keys),
  }),
)

const anyHead: fc.Arbitrary<Head> = fc.record(
  {
    module: fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/),
    key: fc.constant(Uint8Array.from(keys.publicKey)),
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    previous: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)),
    page: fc.option(
      fc.record(
        {
          root: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(rootOf),
          length: fc.integer({ min: 1, max: 256 * 1024 }),
        },
        { noNullPrototype: true },
      ),
    ),
    time: fc.maxSafeNat(),
    expires: fc.maxSafeNat(),
    files: fc.maxSafeNat(),
    bytes: fc.maxSafeNat(),
  },
  { noNullPrototype: true },
)

t.test('any head survives a round trip', async () => {
  fc.assert(
    fc.property(anyHead, (head) => {
      const decoded = decodeHead(encodeHead(head, keys))
      assert.deepEqual({ ...decoded, key: Uint8Array.from(decoded.key) }, head)
    }),
    { numRuns: 50 },
  )
})

t.test('one bit changed anywhere, and it is refused', async () => {
  fc.assert(
    fc.property(anyHead, fc.nat(), fc.nat(7), (head, at, bit) => {
      const bytes = Uint8Array.from(encodeHead(head, keys))
      const place = at % bytes.length
      bytes[place] = (bytes[place] ?? 0) ^ (1 << bit)
      assert.throws(() => decodeHead(bytes), TrustError)
    }),
    { numRuns: 200 },
  )
})

t.test('a key that is no point of the curve verifies nothing', async (t) => {
  const broken = { publicKey: new Uint8Array(32).fill(0xff), seed: keys.seed }
  t.throws(() => decodeHead(encodeHead({ ...HEAD, key: broken.publicKey }, keys)), TrustError)
})

t.test('a fingerprint is what ssh-keygen prints of 32 bytes', async (t) => {
  // printf 'a…' | openssl dgst -sha256 -binary | base64
  t.equal(fingerprint(new Uint8Array(32)), 'SHA256:Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU')
})

t.test('the info-hash is of key and module, and of nothing that changes', async (t) => {
  const key = new Uint8Array(32)
  const hash = swarmInfoHash({ key, module: 'debian' })
  t.equal(hash.length, 20)
  t.equal(hexOf(hash), hexOf(swarmInfoHash({ key, module: 'debian' })))
  t.not(hexOf(hash), hexOf(swarmInfoHash({ key, module: 'debian-security' })))
  t.not(hexOf(hash), hexOf(swarmInfoHash({ key: keys.publicKey, module: 'debian' })))
})

t.test('names of modules', async (t) => {
  for (const name of ['debian', 'a', '_x', '-', 'A.b_c-9', 'x'.repeat(64)])
    t.ok(isModuleName(name), name)
  for (const name of ['', '.', '..', '.~prsync~', 'a/b', 'a b', 'ä', 'x'.repeat(65), 'a\n'])
    t.notOk(isModuleName(name), JSON.stringify(name))
})

t.test('text after a whole head is not taken for part of it', async (t) => {
  const bytes = encodeHead(HEAD, keys)
  t.throws(() => decodeHead(Buffer.concat([bytes, utf8Bytes('x: y\n')])), TrustError)
})
