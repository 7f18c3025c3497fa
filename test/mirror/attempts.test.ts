import t from 'tap'
import { LIMITS } from '../../lib/base/limits.js'
import { Attempts } from '../../lib/mirror/attempts.js'
import { type Key, keyOf } from '../../lib/mirror/lately.js'
import { keptHere, REDIRECT_BYTES } from '../../lib/mirror/redirectable.js'

const key = (said: string): Key => keyOf({ high: 1, low: 2 }, said)

t.test('who asks again within a minute was failed', async (t) => {
  const attempts = new Attempts()
  t.equal(attempts.of(key('r'), 0), null)
  attempts.sent(key('c'), key('r'), 'v1', 1000)
  t.match(attempts.of(key('r'), 61_000), { volunteers: ['v1'] })
  t.equal(attempts.of(key('r'), 61_001), null, 'a minute later it is another wish')
  t.equal(attempts.of(key('other'), 1000), null)
  attempts.sent(key('c'), key('r'), 'v2', 2000)
  t.match(attempts.of(key('r'), 3000), { volunteers: ['v1', 'v2'] })
  attempts.sent(key('c'), key('r'), 'v3', 200_000)
  t.match(
    attempts.of(key('r'), 200_000),
    { volunteers: ['v3'] },
    'what was long ago is not held against',
  )
  t.same(attempts.last(key('c')), { id: 'v3', atMs: 200_000 })
  t.equal(attempts.last(key('d')), null)
})

t.test('the last volunteer is blamed once', async (t) => {
  const attempts = new Attempts()
  t.equal(attempts.blame(key('c'), key('r'), 0), null)
  attempts.sent(key('c'), key('r'), 'v1', 1)
  t.equal(attempts.blame(key('c'), key('r'), 2), 'v1')
  t.equal(attempts.blame(key('c'), key('r'), 3), null, 'the centre may have served meanwhile')
  attempts.sent(key('c'), key('r'), 'v2', 4)
  t.equal(attempts.blame(key('c'), key('r'), 5), 'v2')
  t.same(attempts.failed(key('c'), 60_005), ['v1', 'v2'], 'with any file')
  t.same(attempts.failed(key('c'), 60_006), [])
  t.same(attempts.failed(key('d'), 5), [])
})

t.test('where the centre cannot serve, the last volunteers are remembered', async (t) => {
  const attempts = new Attempts()
  for (let i = 0; i < 8; i++) attempts.sent(key('c'), key('r'), `v${i}`, 1 + i)
  t.same(attempts.of(key('r'), 9)?.volunteers, ['v2', 'v3', 'v4', 'v5', 'v6', 'v7'])
})

t.test('only so much is remembered', async (t) => {
  const attempts = new Attempts()
  const count = 2 * LIMITS.attempts
  for (let i = 0; i < count; i++) attempts.sent(key(`c${i}`), key(`r${i}`), 'v', 1 + i / count)
  let known = 0
  for (let i = 0; i < count; i++) if (attempts.of(key(`r${i}`), 2) !== null) known++
  t.ok(known <= LIMITS.attempts, `${known}`)
  t.ok(known > 0.9 * LIMITS.attempts, `${known}`)
  t.equal(attempts.of(key('r0'), 2), null, 'what was long ago is forgotten')
  t.ok(attempts.of(key(`r${count - 1}`), 2))
})

t.test('what is only given by the centre', async (t) => {
  t.equal(keptHere('dists/x/InRelease', 1e9), 'metadata')
  t.equal(keptHere('pool/a_1_all.deb', REDIRECT_BYTES - 1), 'small')
  t.equal(keptHere('pool/a_1_all.deb', REDIRECT_BYTES), null)
})
