/** A table that forgets what was written longest ago. */
import t from 'tap'
import { type Key, keyOf, Lately } from '../../lib/mirror/lately.js'

const SEED: Key = { high: 1, low: 2 }
/** Of one set, where there are two: the lowest bit of `low` chooses. */
const keyIn = (set: number, i: number): Key => ({ high: i, low: 2 * i + set })

t.test('what was added under a key, the last ones', async (t) => {
  const table = new Lately(16, 3)
  t.equal(table.find(keyIn(0, 1)), -1)
  const row = table.claim(keyIn(0, 1))
  t.same([table.numbers(row), table.last(row), table.atMs(row)], [[], -1, 0])
  t.equal(table.find(keyIn(0, 1)), -1, 'nothing is known before something is added')
  for (let i = 1; i <= 5; i++) table.add(row, 10 * i, i)
  t.equal(table.find(keyIn(0, 1)), row)
  t.same([table.numbers(row), table.last(row), table.atMs(row)], [[30, 40, 50], 50, 5])
  t.equal(table.claim(keyIn(0, 1)), row)
  table.clear(row)
  t.same(table.numbers(row), [])
})

t.test('what was written longest ago in its set gives way', async (t) => {
  const table = new Lately(16, 1)
  const add = (key: Key, nowMs: number): void => table.add(table.claim(key), nowMs, nowMs)
  add(keyIn(1, 1), 1)
  for (let i = 1; i <= 8; i++) add(keyIn(0, i), 1 + i)
  add(keyIn(0, 1), 20)
  add(keyIn(0, 9), 21)
  t.equal(table.find(keyIn(0, 2)), -1)
  t.equal(table.last(table.find(keyIn(0, 1))), 20, 'what is written again is as if it were new')
  t.equal(table.last(table.find(keyIn(1, 1))), 1, 'another set has its own room')
  for (let i = 3; i <= 9; i++) t.ok(table.find(keyIn(0, i)) >= 0, `${i}`)
})

t.test('keys differ with what was said, where it ends, and the seed', async (t) => {
  const of = (seed: Key, ...said: string[]): string => {
    const { high, low } = said.reduce(keyOf, seed)
    return `${high} ${low}`
  }
  const all = new Set<string>()
  let count = 0
  for (const seed of [SEED, { high: 1, low: 3 }])
    for (const said of [[], [''], ['', ''], ['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', '']]) {
      all.add(of(seed, ...said))
      count++
    }
  for (let i = 0; i < 50_000; i++) all.add(of(SEED, `client/1.${i}`))
  t.equal(all.size, count + 50_000)
  t.equal(of(SEED, 'a', 'b'), of(SEED, 'a', 'b'))
})
