import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { overAll, together } from '../../lib/base/together.js'

const never = new AbortController().signal
const stopped = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

t.test('the first failure stops the others, and all are awaited', async (t) => {
  const log: string[] = []
  const boom = new Error('boom')
  await t.rejects(
    together(
      never,
      async () => {
        await turn()
        throw boom
      },
      async (signal) => {
        await stopped(signal).catch(() => log.push('stopped'))
        await turn()
        log.push('tidied')
      },
    ),
    boom,
  )
  t.same(log, ['stopped', 'tidied'])
})

t.test('an abort from outside is passed on with its reason', async (t) => {
  const scope = new AbortController()
  const why = new Error('ctrl-c')
  const run = together(scope.signal, stopped, stopped)
  scope.abort(why)
  await t.rejects(run, why)
  await t.rejects(
    together(scope.signal, async (signal) => signal.throwIfAborted()),
    why,
  )
})

t.test('over all: never more at once than wide, each item once', async (t) => {
  let running = 0
  let most = 0
  const seen: number[] = []
  await overAll([...Array(20).keys()], 3, never, async (item) => {
    most = Math.max(most, ++running)
    await turn()
    seen.push(item)
    running--
  })
  t.equal(most, 3)
  t.same(
    seen.sort((a, b) => a - b),
    [...Array(20).keys()],
  )
})

t.test('over all: a failure stops it', async (t) => {
  const boom = new Error('boom')
  const seen: number[] = []
  await t.rejects(
    overAll([...Array(100).keys()], 2, never, async (item) => {
      await turn()
      seen.push(item)
      if (item === 5) throw boom
    }),
    boom,
  )
  t.ok(seen.length < 10, `${seen.length} of 100`)
})
