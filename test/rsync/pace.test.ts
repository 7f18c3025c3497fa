import t from 'tap'
import { StoppedError, TimeoutError } from '../../lib/base/errors.js'
import type { Steps } from '../../lib/base/steps.js'
import { Pace } from '../../lib/rsync/pace.js'

function* copy(log: string[], steps: number, bytes: number): Steps<boolean> {
  try {
    for (let i = 0; i < steps; i++) yield bytes
    log.push('done')
    return true
  } catch (error) {
    log.push('thrown')
    throw error
  } finally {
    log.push('closed')
  }
}
const FREE = { bwlimit: 0, shared: null, stopAtMs: null, moved: () => {} }

t.test('small work is done at once, and told', async (t) => {
  let moved = 0
  const rules = {
    ...FREE,
    signal: new AbortController().signal,
    moved: (n: number) => {
      moved += n
    },
  }
  const log: string[] = []
  new Pace(rules).run(copy(log, 3, 10), (ok) => log.push(String(ok)))
  t.same(log, ['done', 'closed', 'true'])
  t.equal(moved, 30)
})

t.test('--bwlimit holds', async (t) => {
  const began = performance.now()
  const pace = new Pace({ ...FREE, bwlimit: 1_000_000, signal: new AbortController().signal })
  const log: string[] = []
  pace.run(copy(log, 10, 30_000), () => log.push('true'))
  t.same(log, [], 'it goes on while others may')
  await pace.pause()
  t.same(log, ['done', 'closed', 'true'])
  t.ok(performance.now() - began > 200, '300 kB at 1 MB/s')
})

t.test('what is shared with others is waited for', async (t) => {
  const told: number[] = []
  const shared = (bytes: number): number => told.push(bytes) * 60
  const pace = new Pace({ ...FREE, shared, signal: new AbortController().signal })
  const began = performance.now()
  const log: string[] = []
  pace.run(copy(log, 3, 10), () => log.push('true'))
  await pace.pause()
  t.same(log, ['done', 'closed', 'true'])
  t.same(told, [10, 10, 10])
  t.ok(performance.now() - began > 115, 'as long as it says')
})

t.test('a signal ends a file in the middle, cleaned up', async (t) => {
  const scope = new AbortController()
  const pace = new Pace({ ...FREE, bwlimit: 1000, signal: scope.signal })
  const log: string[] = []
  pace.run(copy(log, 1000, 1000), () => log.push('true'))
  const waited = pace.pause()
  scope.abort(new StoppedError('stopped by SIGINT'))
  await t.rejects(waited ?? Promise.resolve(), StoppedError)
  t.same(log, ['thrown', 'closed'])
})

t.test('so does the end of its time', async (t) => {
  const pace = new Pace({
    ...FREE,
    bwlimit: 100_000,
    stopAtMs: Date.now() - 1,
    signal: new AbortController().signal,
  })
  const log: string[] = []
  pace.run(copy(log, 100, 10_000), () => log.push('true'))
  await t.rejects(pace.pause() ?? Promise.resolve(), TimeoutError)
  t.same(log, ['thrown', 'closed'])
})
