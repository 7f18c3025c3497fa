/**
 * All decoders of bytes from outside, in one table: any bytes give a value, Underflow or an error of ours, in bounded time and
 * memory. Inputs that once did not are in fixtures/corpus/. `FUZZ_RUNS` sets the runs of each decoder.
 */
import assert from 'node:assert/strict'
import t from 'tap'
import { joined, Underflow } from '../../lib/base/bytes.js'
import { PrsyncError } from '../../lib/base/errors.js'
import { corpusFolders, corpusOf } from '../support/corpus.js'
import fc from '../support/properties.js'
import { messageDecoders } from './message-decoders.js'
import { rsyncDecoders } from './rsync-decoders.js'
import { snapshotDecoders } from './snapshot-decoders.js'
import { feedInParts, swarmDecoders } from './swarm-decoders.js'

const { FUZZ_RUNS, CI } = process.env
const RUNS = Number(FUZZ_RUNS ?? (CI ? 20_000 : 1000))
const SECONDS = 1
const ARRAY_BYTES = 16 << 20

const decoders = [...rsyncDecoders, ...swarmDecoders, ...snapshotDecoders, ...messageDecoders]

/** 'value', 'Underflow', or the class of our error. @throws whatever else came out of it. */
function verdict(decode: (bytes: Uint8Array) => void, bytes: Uint8Array): string {
  const start = performance.now()
  const before = process.memoryUsage().arrayBuffers
  try {
    decode(bytes)
    return 'value'
  } catch (error) {
    if (error instanceof Underflow || error instanceof PrsyncError) return error.name
    throw error
  } finally {
    assert.ok(performance.now() - start < SECONDS * 1000, 'time')
    assert.ok(process.memoryUsage().arrayBuffers - before < ARRAY_BYTES, 'memory')
  }
}

/** A seed with a few bytes changed, put in, left out, or its end cut off; or bytes of any kind. */
function damaged(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat(0xffff),
    gone: fc.nat(3),
    put: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.constantFrom(
        ...[[0xff, 0xff, 0xff, 0xff], [0x80, 0, 0, 0], [0]].map((b) => Uint8Array.from(b)),
      ),
    ),
  })
  const edited = fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([seed, edits]) =>
      edits.reduce((bytes, { at, gone, put }) => {
        const start = at % (bytes.length + 1)
        return joined([bytes.subarray(0, start), put, bytes.subarray(start + gone)])
      }, seed),
    )
  return fc.oneof(
    { arbitrary: edited, weight: 4 },
    { arbitrary: fc.uint8Array({ maxLength: 200 }), weight: 1 },
  )
}

for (const { name, decode, seeds } of decoders) {
  t.test(`${name}: the corpus`, async (t) => {
    for (const entry of corpusOf(name))
      t.equal(verdict(decode, entry.bytes), entry.expected, entry.name)
  })
  t.test(`${name}: any bytes`, async (t) => {
    for (const seed of seeds) t.equal(verdict(decode, seed), 'value', 'a seed is valid')
    fc.assert(
      fc.property(damaged(seeds), (bytes) => {
        verdict(decode, bytes)
      }),
      { numRuns: RUNS },
    )
  })
}

t.test('the wire gives one verdict however its bytes are cut', async () => {
  const seeds = decoders.find(({ name }) => name === 'wire')?.seeds ?? []
  fc.assert(
    fc.property(damaged(seeds), fc.integer({ min: 1, max: 90 }), (bytes, size) => {
      const whole = verdict((b) => feedInParts(b, b.length), bytes)
      assert.equal(
        verdict((b) => feedInParts(b, size), bytes),
        whole,
      )
    }),
    { numRuns: RUNS },
  )
})

t.test('every folder of the corpus has its decoder', async (t) => {
  t.same(corpusFolders(), decoders.map(({ name }) => name).sort())
})
