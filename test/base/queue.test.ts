import t from 'tap'
import { Queue } from '../../lib/base/queue.js'
import { together } from '../../lib/base/together.js'

const never = new AbortController().signal

t.test('what goes in comes out in order, and a full queue makes the giver wait', async (t) => {
  const queue = new Queue<number>(2)
  const taken: number[] = []
  let given = 0
  await together(
    never,
    async (signal) => {
      for (let i = 0; i < 50; i++) {
        await queue.give(i, signal)
        given++
        t.ok(given - taken.length <= 3, 'two in the queue, one in the hand')
      }
      queue.close()
    },
    async (signal) => {
      for (let item = await queue.take(signal); item !== null; item = await queue.take(signal))
        taken.push(item)
    },
  )
  t.same(taken, [...Array(50).keys()])
})

t.test('a closed queue gives out what is in it, and takes nothing', async (t) => {
  const queue = new Queue<string>(4)
  await queue.give('a', never)
  queue.close()
  await queue.give('b', never)
  t.equal(await queue.take(never), 'a')
  t.equal(await queue.take(never), null)
})

t.test('closing wakes who waits on either side', async (t) => {
  const empty = new Queue<number>(1)
  const full = new Queue<number>(1)
  await full.give(1, never)
  const waiting = [empty.take(never), full.give(2, never)]
  empty.close()
  full.close()
  t.same(await Promise.all(waiting), [null, undefined])
})

t.test('who waits can be told to stop, with the reason', async (t) => {
  const scope = new AbortController()
  const why = new Error('stop')
  const empty = new Queue<number>(1)
  const full = new Queue<number>(1)
  await full.give(1, never)
  const outcomes = Promise.allSettled([empty.take(scope.signal), full.give(2, scope.signal)])
  scope.abort(why)
  t.match(await outcomes, [
    { status: 'rejected', reason: why },
    { status: 'rejected', reason: why },
  ])
  await t.rejects(empty.take(scope.signal), why)
})
