import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { Cursor, joined, Writer } from '../../lib/base/bytes.js'
import { COMPRESSORS } from '../../lib/wire/negotiate.js'
import type { CompressorName, Terms } from '../../lib/wire/terms.js'
import { openTokenDecoder, openTokenEncoder } from '../../lib/wire/tokens.js'
import fc from '../support/properties.js'
import { termsOf } from '../support/wire-entries.js'

type Token = Uint8Array | number
type File = { readonly basis: readonly Uint8Array[]; readonly tokens: readonly Token[] }

const bytesOf = (size: number, kind: number): Uint8Array =>
  kind === 0
    ? randomBytes(size)
    : Buffer.from('the quick brown fox '.repeat(Math.ceil(size / 20))).subarray(0, size)

const anyFile: fc.Arbitrary<File> = fc
  .record({
    blocks: fc.integer({ min: 1, max: 6 }),
    blockLength: fc.constantFrom(1, 700, 70_000, 131_072),
    kind: fc.nat(1),
    tokens: fc.array(
      fc.oneof(
        fc.record({ block: fc.nat(5), count: fc.integer({ min: 1, max: 3 }) }),
        fc.record({ size: fc.constantFrom(1, 5, 700, 16_383, 16_384, 100_000), kind: fc.nat(1) }),
      ),
      { maxLength: 8 },
    ),
  })
  .map(({ blocks, blockLength, kind, tokens }) => ({
    basis: Array.from({ length: blocks }, () => bytesOf(blockLength, kind)),
    tokens: tokens.flatMap((token): Token[] =>
      'size' in token
        ? [bytesOf(token.size, token.kind)]
        : Array.from({ length: token.count }, (_, i) => (token.block + i) % blocks),
    ),
  }))

function encoded(terms: Terms, files: readonly File[]): Uint8Array {
  const w = new Writer()
  const encoder = openTokenEncoder(terms, w, null)
  for (const { basis, tokens } of files) {
    encoder.begin()
    for (const token of tokens) {
      if (typeof token === 'number') {
        const block = basis[token] ?? new Uint8Array(0)
        encoder.match(token, joined([Uint8Array.of(7), block]), 1, 1 + block.length)
      } else encoder.literal(joined([Uint8Array.of(7), token]), 1, 1 + token.length)
    }
    encoder.end()
  }
  return w.done().slice()
}

/** Literals joined between blocks; bytes come `size` at a time. */
function decoded(terms: Terms, files: readonly File[], bytes: Uint8Array, size: number): Token[][] {
  const decoder = openTokenDecoder(terms)
  let at = 0
  let given = 0
  return files.map(({ basis }) => {
    const got: Token[] = []
    let literal: Uint8Array[] = []
    const finish = (): void => {
      if (literal.length > 0) got.push(joined(literal))
      literal = []
    }
    decoder.begin((block) => basis[block] ?? null)
    for (;;) {
      const cursor = new Cursor(bytes.subarray(at, given))
      const isEnd = decoder.read(cursor, {
        literal: (part, start, end) => literal.push(part.slice(start, end)),
        match: (block) => {
          finish()
          got.push(block)
        },
      })
      at += cursor.pos
      if (isEnd) break
      assert.ok(given < bytes.length, 'more is asked for than there is')
      given = Math.min(given + size, bytes.length)
    }
    finish()
    return got
  })
}
function joinedLiterals(tokens: readonly Token[]): Token[] {
  const got: Token[] = []
  for (const token of tokens) {
    const before = got.at(-1)
    if (typeof token !== 'number' && before !== undefined && typeof before !== 'number')
      got[got.length - 1] = joined([before, token])
    else got.push(token)
  }
  return got
}

const names: readonly (CompressorName | null)[] = [null, ...COMPRESSORS]
for (const compressor of names)
  for (const protocol of [30, 32])
    t.test(`${compressor ?? 'plain'} of protocol ${protocol}: files come back`, async () => {
      const terms = termsOf(protocol, 0, { compressor })
      fc.assert(
        fc.property(
          fc.array(anyFile, { maxLength: 3 }),
          fc.constantFrom(1000, 1 << 20),
          (files, size) => {
            const bytes = encoded(terms, files)
            const got = decoded(terms, files, bytes, size)
            const expected = files.map(({ tokens }) => joinedLiterals(tokens))
            assert.equal(got.length, expected.length)
            got.forEach((tokens, i) => {
              const wanted = expected[i] ?? []
              assert.equal(tokens.length, wanted.length)
              tokens.forEach((token, j) => {
                const want = wanted[j] ?? -1
                if (typeof token === 'number' || typeof want === 'number') assert.equal(token, want)
                else assert.ok(Buffer.compare(token, want) === 0, 'a literal')
              })
            })
          },
        ),
        { numRuns: 30 },
      )
    })
