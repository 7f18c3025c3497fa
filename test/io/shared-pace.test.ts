import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { StartupError } from '../../lib/base/errors.js'
import { SharedPace } from '../../lib/io/shared-pace.js'

const SECOND = 1_000_000_000n
const BURST_MS = 40

t.test('two that send keep one rate together, and one alone has all of it', async (t) => {
  let now = 1000n * SECOND
  const path = join(t.testdir({}), 'pace')
  const [a, b] = [0, 1].map(() => new SharedPace(path, 1_000_000, () => now))
  if (a === undefined || b === undefined) return
  t.equal(a.spend(100_000), 100 - BURST_MS, 'a pause before is made up for, a little')
  t.equal(b.spend(100_000), 200 - BURST_MS, 'behind the other one')
  t.equal(a.spend(100_000), 300 - BURST_MS)
  now += SECOND / 10n
  t.equal(b.spend(50_000), 250 - BURST_MS)
  now += 10n * SECOND
  t.equal(a.spend(500_000), 500 - BURST_MS, 'who has nothing to send takes no part of it')
  t.equal(a.spend(500_000), 1000 - BURST_MS)
  a.close()
  b.close()
})

t.test('a time of before the machine started, or no time at all, is not waited for', async (t) => {
  const path = join(t.testdir({}), 'pace')
  const ahead = Buffer.alloc(8)
  ahead.writeBigInt64LE(10n ** 6n * SECOND)
  for (const old of [ahead, Buffer.from('abc'), Buffer.alloc(8, 0xff)]) {
    writeFileSync(path, old)
    const pace = new SharedPace(path, 1000, () => 5n * SECOND)
    t.equal(pace.spend(100), 100 - BURST_MS)
    pace.close()
  }
})

t.test('a file that cannot be had is told', async (t) => {
  t.throws(() => new SharedPace(join(t.testdir({}), 'no/pace'), 1000), StartupError)
})
