/** A table that forgets what was set longest ago. */
import t from 'tap'
import { Lately } from '../../lib/mirror/lately.js'

t.test('so many are remembered, the oldest is forgotten', async (t) => {
  const table = new Lately<number>(10)
  for (let i = 0; i < 35; i++) {
    table.set(`${i}`, i)
    const known = Array.from({ length: i + 1 }, (_, at) => table.get(`${at}`))
    t.same(
      known,
      known.map((_, at) => (at > i - 10 ? at : undefined)),
    )
  }
})

t.test('what is set again is as if it were new', async (t) => {
  const table = new Lately<number>(10)
  for (let i = 0; i < 35; i++) {
    table.set(`${i}`, i)
    if (i % 3 === 0) table.set('kept', i)
    t.equal(table.get('kept'), i - (i % 3))
  }
  for (let i = 0; i < 8; i++) table.set(`more ${i}`, i)
  t.equal(table.get('kept'), 33)
  table.set('last', 0)
  t.equal(table.get('kept'), undefined)
})
