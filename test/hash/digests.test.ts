import { createHash } from 'node:crypto'
import t from 'tap'
import { hexOf, Underflow } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import {
  DigestBuilder,
  decodeDigests,
  digestPieceLength,
  digestsOf,
  encodeDigests,
} from '../../lib/hash/digests.js'
import { ruled } from '../support/contents.js'

const PIECE = 256 * 1024
const digest = (name: string, bytes: Uint8Array): string =>
  createHash(name).update(bytes).digest('hex')

t.test('pieces are a power of two, and at most 1024', async (t) => {
  const cases: [length: number, piece: number][] = [
    [1, PIECE],
    [PIECE * 1024, PIECE],
    [PIECE * 1024 + 1, PIECE * 2],
    [5e9, 8 * 1024 * 1024],
    [2 ** 50, 2 ** 40],
  ]
  for (const [length, piece] of cases) t.equal(digestPieceLength(length), piece, `${length}`)
})

t.test('digests are those of node:crypto, however the bytes are cut', async (t) => {
  for (const length of [0, 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 77]) {
    const bytes = ruled(length)
    const whole = digestsOf(bytes)
    const builder = new DigestBuilder(length)
    for (let at = 0; at < length; at += 100_001) builder.add(bytes.subarray(at, at + 100_001))
    t.same(builder.done(), whole, `${length} in parts`)
    t.equal(hexOf(whole.sha256), digest('sha256', bytes))
    const pieces: Uint8Array[] = []
    if (length > PIECE)
      for (let at = 0; at < length; at += PIECE) pieces.push(bytes.subarray(at, at + PIECE))
    t.equal(hexOf(whole.sha1Pieces), pieces.map((p) => digest('sha1', p)).join(''), 'sha-1')
    t.equal(hexOf(whole.sha256Pieces), pieces.map((p) => digest('sha256', p)).join(''), 'sha-256')
    const encoded = encodeDigests(whole)
    t.same(decodeDigests(encoded, length), whole, 'kept and read again')
    for (let end = 0; end < encoded.length; end++)
      if (end % 13 === 0) t.throws(() => decodeDigests(encoded.subarray(0, end), length), Underflow)
    t.throws(() => decodeDigests(Buffer.concat([encoded, Buffer.of(0)]), length), WireError)
  }
  t.throws(() => decodeDigests(encodeDigests(digestsOf(ruled(9))), 2 ** 40), WireError)
})
