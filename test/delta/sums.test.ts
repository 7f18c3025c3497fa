import assert from 'node:assert/strict'
import t from 'tap'
import { PrsyncError, WireError } from '../../lib/base/errors.js'
import {
  basisSumsOf,
  decodeSums,
  encodeSums,
  publishedSumsOf,
  SumsBuilder,
} from '../../lib/delta/sums.js'
import { openKernel } from '../../lib/kernel/kernel.js'
import fc from '../support/properties.js'
import { noise, sourceOf } from './support.js'

const kernel = openKernel({ dataBytes: 2 ** 21, entries: 1 })

t.test(
  'published sums survive a round trip, and every prefix and every longer blob is refused',
  async () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9000 }), fc.nat(100), fc.nat(200), (n, seed, cut) => {
        const sums = publishedSumsOf(sourceOf(noise(n, seed)), kernel)
        assert(sums !== null)
        const blob = encodeSums(sums)
        const back = decodeSums(blob, n)
        assert.deepEqual(
          { ...back, packed: Buffer.from(back.packed) },
          { ...sums, packed: Buffer.from(sums.packed) },
        )
        if (cut < blob.length) assert.throws(() => decodeSums(blob.subarray(0, cut), n), WireError)
        assert.throws(() => decodeSums(Buffer.concat([blob, Buffer.alloc(1)]), n), WireError)
        assert.throws(() => decodeSums(blob, n + 1), WireError)
      }),
      { numRuns: 60 },
    )
  },
)

t.test('any bytes are sums or a WireError', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(10_000), (bytes, length) => {
      try {
        decodeSums(bytes, length)
      } catch (error) {
        assert(error instanceof PrsyncError)
      }
    }),
  )
})

t.test('a blob, byte by byte', async (t) => {
  const sums = publishedSumsOf(
    sourceOf(Uint8Array.from({ length: 1025 }, (_, i) => i & 0xff)),
    kernel,
  )
  assert(sums !== null)
  // xxhsum -H1 of the first 1024 bytes: 6f3914f18fe4df57, of the one byte 00: e934a84adb052768
  const weak = sums.packed.subarray(0, 4)
  t.equal(
    Buffer.from(encodeSums(sums)).toString('hex'),
    `707373010104000000000000${'00040000'}${Buffer.from(weak).toString('hex')}57dfe48ff114396f${'00000000'}682705db4aa834e9`,
  )
})

t.test('a file that is shorter than it says has no sums', async (t) => {
  const short = { length: 5000, read: sourceOf(noise(4000, 1)).read }
  t.equal(publishedSumsOf(short, kernel), null)
  const head = { count: 8, blockLength: 700, sumLength: 2, remainder: 100 }
  t.equal(basisSumsOf(short, head, { algorithm: 'md5', seed: 1 }, kernel), null)
})

t.test('a builder that was fed too little or too much says so', async (t) => {
  const builder = new SumsBuilder(3000)
  builder.add(kernel, 0, 2048)
  t.equal(builder.done(), null)
  builder.add(kernel, 0, 952)
  t.not(builder.done(), null)
  t.throws(() => new SumsBuilder(2 ** 50), RangeError)
})
