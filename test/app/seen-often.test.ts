import t from 'tap'
import { SeenOften } from '../../lib/app/seen-often.js'

t.test('each time that it was asked for often enough', async (t) => {
  const seen = new SeenOften(8, 100, 3)
  const heard = Array.from({ length: 7 }, () => seen.again(5))
  t.same(heard, [false, false, true, false, false, true, false])
  t.equal(seen.again(4), false, 'another is counted for itself')
  t.same([seen.again(5 + 8), seen.again(-3)], [false, true], 'those that share a counter are not')
})

t.test('what is asked for once in a while never was', async (t) => {
  const seen = new SeenOften(8, 10, 2)
  for (let i = 0; i < 50; i++) {
    t.equal(seen.again(1), false)
    for (let other = 0; other < 9; other++) seen.again(2)
  }
})
