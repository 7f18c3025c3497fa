import assert from 'node:assert/strict'
import t from 'tap'
import type { WireEntry } from '../../lib/wire/file-entry.js'
import { compareWire, sortList } from '../../lib/wire/list-order.js'
import fc from '../support/properties.js'
import { anyEntries, NO_OPTIONS, termsOf, wireEntry } from '../support/wire-entries.js'

/** As rsync 3.5.0 numbered them; a directory ends in `/`. */
const MODERN =
  './|!x|.hid|a b|m|z|.hd/|.hd/f|A/|A/b-c/|A/b.c/|A/b/|a-b/|a-b/x|a-b/b-c/|a-b/b.c/|a-b/b/|a.d/|a/|a/b.txt|a/b0|a/x|a/b-c/|a/b.c/|a/b.c/q|a/b/|a/b/q|a0/|ab/'.split(
    '|',
  )
const OLD =
  '!x|./|.hd/|.hd/f|.hid|A/|A/b/|A/b-c|a/|a b|a-b/|a-b/b/|a.d/|a/b/|a/b-c/|a/b.c/|a/b.c/q|a/b.txt|a/b/q|a/b0|a/x|a0/|ab/|z'.split(
    '|',
  )

function entryOf(text: string): WireEntry {
  return text.endsWith('/') ? wireEntry(text.slice(0, -1), 'directory') : wireEntry(text, 'file')
}
function textOf(entry: WireEntry | null): string | null {
  if (entry === null) return null
  return entry.stands.kind === 'directory' ? `${entry.name}/` : entry.name
}

t.test('the order of both kinds of protocol', async (t) => {
  for (const [protocol, order] of [
    [32, MODERN],
    [29, MODERN],
    [28, OLD],
    [27, OLD],
  ] as const)
    fc.assert(
      fc.property(fc.shuffledSubarray([...order], { minLength: order.length }), (shuffled) => {
        assert.deepEqual(sortList(shuffled.map(entryOf), protocol).map(textOf), order)
      }),
      { numRuns: 50 },
    )
  t.pass()
})

t.test('names with a slash before them stand where the slash puts them', async (t) => {
  const rooted = { ...wireEntry('a/b', 'file'), isRooted: true }
  const sorted = sortList([rooted, wireEntry('Z', 'file'), wireEntry('.d', 'directory')], 32)
  t.same(sorted.map(textOf), ['Z', '.d/', 'a/b'])
})

t.test('of one name one stays, and the others keep their numbers', async (t) => {
  const twice = [entryOf('b'), entryOf('a/'), entryOf('b'), entryOf('a')]
  for (const protocol of [28, 32]) {
    const sorted = sortList(twice, protocol)
    t.equal(sorted.length, 4)
    t.same(
      sorted
        .filter((entry) => entry !== null)
        .map(textOf)
        .sort(),
      ['a/', 'b'],
    )
  }
  const apart = sortList(['a', 'b', 'a/', 'b/c', 'a'].map(entryOf), 32)
  t.same(
    apart.map(textOf),
    [null, null, 'b', 'a/', 'b/c'],
    'a file of a directory is not beside it',
  )
  const bare = { ...entryOf('d/'), isBare: true, isTop: true }
  const [kept, gone] = sortList([bare, entryOf('d/')], 32)
  t.equal(gone, null)
  t.equal(kept?.isBare, false, 'its contents are sent')
  t.equal(kept?.isTop, true)
})

t.test('it is an order', async () => {
  for (const protocol of [28, 32]) {
    const terms = termsOf(protocol)
    const compare = compareWire(protocol)
    fc.assert(
      fc.property(anyEntries({ terms, options: { ...NO_OPTIONS, relative: true } }), (entries) => {
        const sorted = [...entries].sort(compare)
        sorted.forEach((a, i) => {
          for (const b of sorted.slice(i)) assert.ok(compare(a, b) <= 0 && compare(b, a) >= 0)
        })
      }),
    )
  }
})
