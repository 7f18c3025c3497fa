import t from 'tap'
import { CHECKSUM_BYTES, type ChecksumName, openChecksum } from '../../lib/hash/checksum.js'

const counting = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i & 0xff)

// xxhsum 0.8.1 and openssl of bytes 0 … 255 repeated, 1000 of them; the first in wire order is the reverse of the print.
const VECTORS: readonly (readonly [ChecksumName, seed: number, hex: string])[] = [
  ['xxh128', 7, '500ef6460bd83dd32a0d12b7027e6f07'],
  ['xxh3', 7, '500ef6460bd83dd3'],
  ['xxh64', 7, '7840ba0eb036f46e'],
  ['md5', 7, 'cbecbdb0fdd5cec1e242493b6008cc79'],
  ['sha1', 7, 'af0b191c2de46fe13fe0908f5a6a4e90e0cafc46'],
  ['md4', 7, 'ddef918b4199515fafb1e5fc23e801c3'],
  ['none', 7, '00'],
]

for (const [name, seed, hex] of VECTORS)
  t.test(`${name}: whole, in pieces, and again`, async (t) => {
    const sum = await openChecksum(name, seed)
    const bytes = counting(1000)
    for (const cut of [0, 1, 500]) {
      sum.start()
      sum.update(bytes.subarray(0, cut))
      sum.update(bytes.subarray(cut))
      const digest = sum.digest()
      t.equal(Buffer.from(digest).toString('hex'), hex)
      t.equal(digest.length, CHECKSUM_BYTES[name])
    }
  })

t.test('md4-old puts the seed first, even 0', async (t) => {
  // From a session of the real rsync at protocol 29 with --checksum-seed=1: MD4(01 00 00 00 "hello").
  const sum = await openChecksum('md4-old', 1)
  sum.start()
  sum.update(Buffer.from('hello'))
  t.equal(Buffer.from(sum.digest()).toString('hex'), '790d889ef617c339792e9cb1cd0e8379')
  const zero = await openChecksum('md4-old', 0)
  const plain = await openChecksum('md4', 0)
  zero.start()
  plain.start()
  plain.update(new Uint8Array(4))
  t.strictSame(zero.digest(), plain.digest())
})

t.test('xxh128 is what the real rsync sends of "hello"', async (t) => {
  const sum = await openChecksum('xxh128', 1)
  sum.start()
  sum.update(Buffer.from('hello\n').subarray(0, 5))
  t.equal(Buffer.from(sum.digest()).toString('hex'), '1838525eaacf79c77f3e1b07adc1e9b5')
})
