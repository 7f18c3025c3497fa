import assert from 'node:assert/strict'
import t from 'tap'
import { compileGlob } from '../../lib/flist/wildmatch.js'
import fc from '../support/properties.js'

const CASES: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ['a?c', 'abc', true],
  ['a?c', 'a/c', false],
  ['*', '', true],
  ['*', 'a/b', false],
  ['**', 'a/b', true],
  ['*.o', '.o', true],
  ['*.o', 'a/b.o', false],
  ['a/**/b', 'a/b', false],
  ['a/**/b', 'a/x/y/b', true],
  ['a**b', 'ab', true],
  ['*a*b', 'xaxxb', true],
  ['*/b', 'a/c/b', false],
  ['**/b', 'a/c/b', true],
  ['[a-c]', 'b', true],
  ['[!a-c]', 'b', false],
  ['[^a]', '/', false],
  ['[]]', ']', true],
  ['[a-]', '-', true],
  ['[\\]]', ']', true],
  ['[[:digit:]x]', '7', true],
  ['[[:digit:]x]', 'x', true],
  ['[[:nonsense:]]', 'x', false],
  ['[a', '[a', false],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['a\\', 'a\\', true],
  ['\u00e9*', '\u00e9\u00ff', true],
]
t.test('wildcards', async (t) => {
  for (const [pattern, text, matches] of CASES)
    t.equal(compileGlob(pattern)(text), matches, `${pattern} ${text}`)
})

/** The same by trying everything. */
function slow(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern.startsWith('**')) {
    const rest = pattern.replace(/^\*+/, '')
    return Array.from({ length: text.length + 1 }, (_, i) => i).some((i) =>
      slow(rest, text.slice(i)),
    )
  }
  if (pattern.startsWith('*')) {
    const rest = pattern.slice(1)
    for (let i = 0; i <= text.length; i++) {
      if (slow(rest, text.slice(i))) return true
      if (text[i] === '/') return false
    }
    return false
  }
  if (text === '') return false
  const hit = pattern.startsWith('?') ? text[0] !== '/' : pattern[0] === text[0]
  return hit && slow(pattern.slice(1), text.slice(1))
}
t.test('stars match what trying everything matches', async () => {
  const from = (chars: readonly string[], maxLength: number): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...chars), { maxLength }).map((all) => all.join(''))
  fc.assert(
    fc.property(
      from(['a', 'b', '/', '*', '**', '?'], 8),
      from(['a', 'b', '/'], 10),
      (pattern, text) => {
        assert.equal(compileGlob(pattern)(text), slow(pattern, text))
      },
    ),
    { numRuns: 3000 },
  )
})

t.test('a pattern made to take long does not', async (t) => {
  const glob = compileGlob(`${'*a'.repeat(50)}b`)
  t.equal(glob('a'.repeat(4000)), false)
  t.equal(compileGlob(`${'**a'.repeat(50)}b`)('a'.repeat(4000)), false)
})
