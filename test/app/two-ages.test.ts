import t from 'tap'
import { TwoAges } from '../../lib/app/two-ages.js'

t.test('what was asked for stays, what nobody asks for goes', async (t) => {
  const table = new TwoAges<string, number>(20)
  t.equal(table.get('a'), undefined)
  table.set('kept', -1)
  table.set('gone', -2)
  for (let i = 0; i < 100; i++) {
    table.set(`${i}`, i)
    t.equal(table.get('kept'), -1)
    t.equal(table.get(`${i}`), i)
  }
  t.equal(table.get('gone'), undefined)
  const all = Array.from({ length: 100 }, (_, i) => i)
  const known = all.filter((i) => table.get(`${i}`) === i)
  t.ok(known.length >= 8 && known.length <= 20, `${known.length}`)
})
