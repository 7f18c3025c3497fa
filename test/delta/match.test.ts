import assert from 'node:assert/strict'
import t from 'tap'
import type { SumHead } from '../../lib/delta/block-size.js'
import { Match, type MatchRule, type TokenSink } from '../../lib/delta/match.js'
import { Patch } from '../../lib/delta/patch.js'
import { type BlockSums, basisSumsOf } from '../../lib/delta/sums.js'
import { openKernel } from '../../lib/kernel/kernel.js'
import type { BlockSum, Kernel } from '../../lib/kernel/kernel-port.js'
import { openReference } from '../../lib/kernel/reference.js'
import fc from '../support/properties.js'
import { noise, relatives, sourceOf } from './support.js'

function headOf(length: number, blockLength: number, sumLength: number): SumHead {
  const count = Math.ceil(length / blockLength)
  return { count, blockLength, sumLength, remainder: length % blockLength }
}
function sumsOf(basis: Uint8Array, head: SumHead, sum: BlockSum, kernel: Kernel): BlockSums {
  const sums = basisSumsOf(sourceOf(basis), head, sum, kernel)
  assert(sums !== null)
  return sums
}
type Token = number | string
/** The tokens: block numbers, and literal bytes in hex, joined where they touch. */
function tokens(source: Uint8Array, sums: BlockSums, kernel: Kernel, inPlace = false): Token[] {
  const out: Token[] = []
  const sink: TokenSink = {
    literal(bytes, start, end) {
      const hex = Buffer.from(bytes.subarray(start, end)).toString('hex')
      const last = out[out.length - 1]
      if (typeof last === 'string') out[out.length - 1] = last + hex
      else out.push(hex)
    },
    match: (block) => out.push(block),
  }
  const rule: MatchRule = { inPlace }
  const match = new Match(sourceOf(source), sums, rule, kernel)
  while (match.step(sink));
  assert.equal(match.consumed, source.length)
  return out
}
function patched(basis: Uint8Array, head: SumHead, all: readonly Token[]): Uint8Array {
  const out: Uint8Array[] = []
  const patch = new Patch(head, sourceOf(basis), (bytes) => out.push(Uint8Array.from(bytes)))
  for (const token of all)
    if (typeof token === 'number') patch.match(token)
    else patch.literal(Buffer.from(`ff${token}`, 'hex'), 1, token.length / 2 + 1)
  patch.finish()
  return Buffer.concat(out)
}

const sum: fc.Arbitrary<BlockSum> = fc.record(
  {
    algorithm: fc.constantFrom<BlockSum['algorithm']>('xxh128', 'xxh64', 'md5', 'md4', 'sha1'),
    seed: fc.integer(),
  },
  { noNullPrototype: true },
)

t.test('patch(basis, match(source)) is the source, with any memory', async () => {
  fc.assert(
    fc.property(
      relatives,
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 240, max: 4000 }),
      sum,
      ([basis, source], blockLength, dataBytes, how) => {
        const head = headOf(basis.length, blockLength, 8)
        const size = { dataBytes, entries: 10_000 }
        const kernel = openKernel(size)
        const all = tokens(source, sumsOf(basis, head, how, kernel), kernel)
        assert.deepEqual(Buffer.from(patched(basis, head, all)), Buffer.from(source))
        const twin = openReference(size)
        assert.deepEqual(tokens(source, sumsOf(basis, head, how, twin), twin), all)
      },
    ),
    { numRuns: 200 },
  )
})

t.test('in place, no block is taken that was written over before', async () => {
  fc.assert(
    fc.property(relatives, fc.integer({ min: 1, max: 60 }), ([basis, source], blockLength) => {
      const head = headOf(basis.length, blockLength, 8)
      const kernel = openKernel({ dataBytes: 1000, entries: 10_000 })
      const sums = sumsOf(basis, head, { algorithm: 'xxh64', seed: 0 }, kernel)
      const all = tokens(source, sums, kernel, true)
      // The receiver's own file, overwritten from the front.
      const file = Buffer.alloc(basis.length + source.length)
      file.set(basis)
      let at = 0
      for (const token of all) {
        const start = typeof token === 'number' ? token * blockLength : 0
        const bytes =
          typeof token === 'number'
            ? Buffer.from(file.subarray(start, Math.min(start + blockLength, basis.length)))
            : Buffer.from(token, 'hex')
        file.set(bytes, at)
        at += bytes.length
      }
      assert.deepEqual(file.subarray(0, at), Buffer.from(source))
    }),
    { numRuns: 200 },
  )
})

t.test('finds what a person would find', async (t) => {
  const basis = Buffer.concat([noise(1000, 1), noise(50, 2)])
  const head = headOf(basis.length, 100, 8)
  const kernel = openKernel({ dataBytes: 512, entries: 64 })
  const sums = sumsOf(basis, head, { algorithm: 'xxh128', seed: 7 }, kernel)
  const all = Array.from({ length: 11 }, (_, i) => i)
  t.strictSame(tokens(basis, sums, kernel), all, 'the same file: every block, the short one too')
  t.strictSame(
    tokens(Buffer.concat([Buffer.from('ab'), basis]), sums, kernel),
    ['6162', ...all],
    'two bytes before it',
  )
  t.strictSame(
    tokens(Buffer.concat([basis.subarray(0, 350), basis.subarray(360)]), sums, kernel),
    [
      0,
      1,
      2,
      basis.subarray(300, 350).toString('hex') + basis.subarray(360, 400).toString('hex'),
    ].concat(all.slice(4)),
    'ten bytes less',
  )
  t.strictSame(tokens(new Uint8Array(0), sums, kernel), [], 'nothing')
  t.strictSame(
    tokens(basis, { ...sums, count: 0, length: 0, packed: new Uint8Array(0) }, kernel),
    [basis.toString('hex')],
    'no basis',
  )
})

t.test('of equal blocks the next in order is taken, so that runs form', async (t) => {
  const basis = new Uint8Array(1000)
  const kernel = openKernel({ dataBytes: 512, entries: 64 })
  const sums = sumsOf(basis, headOf(1000, 100, 8), { algorithm: 'md5', seed: 1 }, kernel)
  t.strictSame(tokens(basis, sums, kernel), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

t.test('in place, what was written over by itself may be taken again', async (t) => {
  const [zeros, text] = [new Uint8Array(300), noise(100, 3)]
  const basis = Buffer.concat([zeros, text])
  const kernel = openKernel({ dataBytes: 512, entries: 64 })
  const sums = sumsOf(basis, headOf(400, 100, 8), { algorithm: 'md5', seed: 1 }, kernel)
  const source = Buffer.concat([basis, zeros, text])
  t.strictSame(tokens(source, sums, kernel, true), [0, 1, 2, 3, 0, 0, 0, 3], 'as an image grows')
})

t.test('sums made to keep us busy end the search, not the transfer', async (t) => {
  // Every window of zeros has the weak sum of these blocks, none has their strong sum.
  const blockLength = 1000
  const kernel = openKernel({ dataBytes: 20_000, entries: 64 })
  let hashed = 0
  const counted: Kernel = {
    data: kernel.data,
    table: kernel.table,
    weakSums: (...args) => kernel.weakSums(...args),
    place: (...args) => kernel.place(...args),
    windowSum: () => kernel.windowSum(),
    scan: (...args) => kernel.scan(...args),
    marks: (...args) => kernel.marks(...args),
    nodeSums: (...args) => kernel.nodeSums(...args),
    strongSums: (...args) => {
      hashed += args[3]
      kernel.strongSums(...args)
    },
  }
  const zeros = new Uint8Array(200_000)
  const sums = sumsOf(
    zeros.subarray(0, 1000),
    headOf(1000, blockLength, 8),
    { algorithm: 'xxh64', seed: 0 },
    kernel,
  )
  sums.packed[4] = (sums.packed[4] ?? 0) ^ 1
  t.strictSame(tokens(zeros, sums, counted), [Buffer.from(zeros).toString('hex')])
  t.ok(hashed > 0 && hashed < 40 * zeros.length, `${hashed} bytes hashed`)
})
