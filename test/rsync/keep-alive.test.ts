/** --timeout: signs of life for as long as it takes, and the end where nobody answers. */
import t from 'tap'
import { KeepAlive } from '../../lib/rsync/keep-alive.js'
import { ManualClock } from '../support/manual-clock.js'

const HOUR = 3600

/** Seconds until it is over, of so many; and signs. */
async function watch(
  limitMs: number,
  seconds: number,
  heard: (atMs: number) => number,
): Promise<{ over: number | null; signs: number }> {
  const clock = new ManualClock()
  let signs = 0
  const life = {
    heardMs: () => heard(clock.monotonic()),
    saidMs: () => 0,
    sign: () => {
      signs++
    },
  }
  const keepAlive = new KeepAlive(clock, life, limitMs)
  for (let second = 1; second <= seconds; second++) {
    await clock.advance(1000)
    if (keepAlive.check()) return { over: second, signs }
  }
  return { over: null, signs }
}

t.test('24 hours of which one side has nothing to say', async (t) => {
  const day = await watch(60_000, 24 * HOUR, (at) => at - (at % 30_000))
  t.equal(day.over, null)
  t.equal(day.signs, (24 * HOUR) / 30)
})
t.test('signs that can be sent do not keep a dead peer alive', async (t) => {
  t.same(await watch(60_000, HOUR, () => 0), { over: 60, signs: 1 })
})
t.test('no limit', async (t) => {
  t.same(await watch(0, HOUR, () => 0), { over: null, signs: 0 })
})
t.test('the other side may only shorten it', async (t) => {
  const clock = new ManualClock()
  const life = { heardMs: () => 0, saidMs: () => 0, sign: () => {} }
  const keepAlive = new KeepAlive(clock, life, 60_000)
  keepAlive.shorten(90_000)
  keepAlive.shorten(10_000)
  await clock.advance(9_999)
  t.notOk(keepAlive.check())
  await clock.advance(1)
  t.ok(keepAlive.check())
})
t.test('long work here is no silence there: signs go out, and it is not over', async (t) => {
  const clock = new ManualClock()
  let signs = 0
  const life = { heardMs: () => 0, saidMs: () => 0, sign: () => void signs++ }
  const keepAlive = new KeepAlive(clock, life, 10_000)
  for (let second = 1; second <= HOUR; second++) {
    await clock.advance(1000)
    keepAlive.worked()
    if (keepAlive.check()) t.fail(`over after ${second} s`)
  }
  t.equal(signs, HOUR / 5)
  for (let second = 1; second < 10; second++) {
    await clock.advance(1000)
    t.notOk(keepAlive.check())
  }
  await clock.advance(1000)
  t.ok(keepAlive.check(), 'when the work is done the other side has its time again')
})
