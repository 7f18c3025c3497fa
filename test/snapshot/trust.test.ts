import t from 'tap'
import { TrustError } from '../../lib/base/errors.js'
import { keyPairOf } from '../../lib/hash/ed25519.js'
import { encodeHead, fingerprint, type Head, headDigest } from '../../lib/snapshot/head.js'
import { type Expectation, type Pin, trustHead } from '../../lib/snapshot/trust.js'

const NOW = 1_763_900_000
const OURS = keyPairOf(new Uint8Array(32).fill(1))
const OTHERS = keyPairOf(new Uint8Array(32).fill(2))

function signed(change: Partial<Head> = {}, keys = OURS): Uint8Array {
  const head: Head = {
    module: 'debian',
    key: keys.publicKey,
    sequence: 7,
    previous: null,
    page: null,
    time: NOW,
    expires: NOW + 100,
    files: 0,
    bytes: 0,
    ...change,
  }
  return encodeHead(head, keys)
}
const pinned = (bytes: Uint8Array, sequence = 7, keys = OURS): Pin => ({
  fingerprint: fingerprint(keys.publicKey),
  sequence,
  digest: headDigest(bytes),
})
const EXPECTED: Expectation = { module: 'debian', pin: null, fingerprint: null, now: NOW }

const TAKEN: ReadonlyArray<[name: string, bytes: Uint8Array, expected: Partial<Expectation>]> = [
  ['the first head of all', signed(), {}],
  ['the key that was named', signed(), { fingerprint: fingerprint(OURS.publicKey) }],
  ['the same head again', signed(), { pin: pinned(signed()) }],
  ['a later one', signed({ sequence: 8 }), { pin: pinned(signed()) }],
  ['much later', signed({ sequence: 2 ** 53 - 1 }), { pin: pinned(signed()) }],
  ['in its last second', signed({ expires: NOW }), {}],
  [
    'a new key that the admin named starts anew, also below the old sequence',
    signed({ sequence: 1 }, OTHERS),
    { pin: pinned(signed()), fingerprint: fingerprint(OTHERS.publicKey) },
  ],
]
for (const [name, bytes, expected] of TAKEN)
  t.test(`followed: ${name}`, async (t) => {
    const { head, pin } = trustHead(bytes, { ...EXPECTED, ...expected })
    t.equal(pin.sequence, head.sequence)
    t.equal(pin.digest, headDigest(bytes))
    t.equal(pin.fingerprint, fingerprint(head.key))
  })

const REFUSED: ReadonlyArray<
  [name: string, says: RegExp, bytes: Uint8Array, expected: Partial<Expectation>]
> = [
  ['another key than the first', /signed by key/, signed({}, OTHERS), { pin: pinned(signed()) }],
  [
    'another key than the one named, though it was pinned',
    /signed by key/,
    signed(),
    { pin: pinned(signed()), fingerprint: fingerprint(OTHERS.publicKey) },
  ],
  ['another module', /module debian/, signed(), { module: 'debian-security' }],
  ['a rollback', /rollback/, signed({ sequence: 6 }), { pin: pinned(signed()) }],
  [
    'the old key with --key does not excuse a rollback',
    /rollback/,
    signed({ sequence: 6 }),
    { pin: pinned(signed()), fingerprint: fingerprint(OURS.publicKey) },
  ],
  [
    'two heads of one sequence',
    /two different heads/,
    signed({ files: 1 }),
    { pin: pinned(signed()) },
  ],
  ['expired', /expired 2025-11-23T/, signed({ expires: NOW - 1 }), {}],
  ['never to expire, but altered', /altered/, altered(), {}],
]
for (const [name, says, bytes, expected] of REFUSED)
  t.test(`refused: ${name}`, async (t) => {
    const trust = (): unknown => trustHead(bytes, { ...EXPECTED, ...expected })
    t.throws(trust, TrustError)
    t.throws(trust, { message: says, exitCode: 77 })
  })

function altered(): Uint8Array {
  const text = Buffer.from(signed()).toString('latin1')
  return Buffer.from(text.replace(`expires: ${NOW + 100}`, 'expires: 9999999999'), 'latin1')
}
