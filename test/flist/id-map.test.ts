import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import { parseIdMap } from '../../lib/flist/id-map.js'

const NAMES = new Map([
  ['root', 0],
  ['daemon', 1],
  ['www-data', 33],
  ['www-admin', 34],
])
const names = {
  name: (id: number) => [...NAMES].find(([, number]) => number === id)?.[0] ?? null,
  id: (name: string) => NAMES.get(name) ?? null,
}

t.test('the first rule that fits says whose it becomes', async (t) => {
  const cases: readonly [string, number, number][] = [
    ['0:33', 0, 33],
    ['0:33', 1, 1],
    ['root:www-data', 0, 33],
    ['www-*:daemon', 34, 1],
    ['www-*:daemon', 0, 0],
    ['100-199:5', 150, 5],
    ['100-199:5', 200, 200],
    [':7', 4711, 7],
    [':7', 1, 1],
    ['1:9,*:8', 1, 9],
    ['1:9,*:8', 4711, 8],
  ]
  for (const [text, id, expected] of cases)
    t.equal(parseIdMap(text, 'usermap', names)(id), expected, `${text} of ${id}`)
})

t.test('what is no map', async (t) => {
  for (const text of ['root', 'a:', '1:nobody-here'])
    t.throws(() => parseIdMap(text, 'usermap', names), UsageError, text)
})
