/** Places of entries by their numbers. */
import t from 'tap'
import { ListStarts } from '../../lib/rsync/list-starts.js'

t.test('a number is left free before each list', async (t) => {
  const starts = new ListStarts()
  for (const start of [1, 4, 5, 9]) starts.add(start)
  // Lists of two, none, three and some entries.
  t.same(
    [1, 2, 5, 6, 7, 9, 10].map((number) => starts.placeOf(number)),
    [0, 1, 2, 3, 4, 5, 6],
  )
})
t.test('one list', async (t) => {
  t.same(
    [0, 1, 7].map((number) => new ListStarts().placeOf(number)),
    [0, 1, 7],
  )
})
