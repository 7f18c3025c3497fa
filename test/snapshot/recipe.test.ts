import assert from 'node:assert/strict'
import t from 'tap'
import { WireError } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import { rootOf } from '../../lib/hash/root.js'
import {
  continues,
  decodeRecipe,
  encodeRecipe,
  literalsOf,
  packLiterals,
  type Recipe,
  type RecipePart,
} from '../../lib/snapshot/recipe.js'
import { ruled } from '../support/contents.js'
import fc from '../support/properties.js'
import { testVectors } from '../support/vectors.js'

const IMAGE = { root: rootOf(new Uint8Array(32).fill(0xee)), length: 2 ** 20 }
const decode = (bytes: Uint8Array): Recipe => {
  const recipe = decodeRecipe(bytes, IMAGE)
  return { ...recipe, packed: Uint8Array.from(recipe.packed) }
}

t.test('vectors', async (t) =>
  testVectors(t, 'snapshot/recipe.vec', { decode, encode: encodeRecipe }),
)

const SOURCES = [1, 2, 3].map((n) => ({
  root: rootOf(new Uint8Array(32).fill(n)),
  length: 2 ** 20 + n,
}))
const shape = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 3000 }),
    fc.integer({ min: 1, max: 3000 }),
    fc.nat(4),
    fc.nat(2 ** 20 - 3000),
  ),
  { maxLength: 60 },
)

/** Parts after the gaps and lengths of a shape; those that would be one with the one before are left out. */
function recipeOf(rows: readonly (readonly [number, number, number, number])[]): Recipe {
  const parts: RecipePart[] = []
  const used: number[] = []
  let end = 0
  let literals = 0
  for (const [gap, length, what, from] of rows) {
    const range = { offset: end + gap, length }
    if (what >= 2 && !used.includes(what - 2)) used.push(what - 2)
    const part: RecipePart =
      what === 0
        ? { ...range, kind: 'zeros' }
        : what === 1
          ? { ...range, kind: 'literal' }
          : { ...range, kind: 'copy', source: used.indexOf(what - 2), from }
    const before = parts[parts.length - 1]
    if (before !== undefined && continues(before, part)) continue
    if (part.kind === 'literal') literals += length
    parts.push(part)
    end = range.offset + length
  }
  const sources = used.flatMap((n) => SOURCES[n] ?? [])
  return { length: IMAGE.length, sources, parts, packed: packLiterals(ruled(literals)) }
}

t.test('any recipe survives a round trip, and gives its literals', async () => {
  fc.assert(
    fc.property(shape, (rows) => {
      const recipe = recipeOf(rows)
      const decoded = decode(encodeRecipe(recipe))
      assert.deepEqual(decoded, recipe)
      const length = recipe.parts.reduce((n, p) => n + (p.kind === 'literal' ? p.length : 0), 0)
      assert.deepEqual(Buffer.from(literalsOf(decoded)), Buffer.from(ruled(length)))
    }),
  )
})

t.test('literals that are fewer than said, more, or no deflate at all', async (t) => {
  const part: RecipePart = { offset: 0, length: 100, kind: 'literal' }
  const with_ = (packed: Uint8Array): Recipe => ({
    length: 2 ** 20,
    sources: [],
    parts: [part],
    packed,
  })
  t.throws(() => literalsOf(with_(packLiterals(ruled(99)))), WireError)
  t.throws(() => literalsOf(with_(packLiterals(ruled(101)))), WireError)
  t.throws(() => literalsOf(with_(ruled(50))), WireError)
  t.equal(literalsOf(with_(packLiterals(ruled(100)))).length, 100)
})

t.test('what would take too much memory is refused before it is read', async (t) => {
  const large = { ...IMAGE, length: 2 ** 40 }
  const most = LIMITS.recipeLiteralBytes
  const recipe = (length: number): Recipe => ({
    length: large.length,
    sources: [],
    parts: [{ offset: 0, length, kind: 'literal' }],
    packed: Uint8Array.of(0),
  })
  t.equal(decodeRecipe(encodeRecipe(recipe(most)), large).parts.length, 1)
  t.throws(() => decodeRecipe(encodeRecipe(recipe(most + 1)), large), WireError)
  t.throws(() => decodeRecipe(new Uint8Array(LIMITS.recipeBytes + 1), IMAGE), WireError)
})
