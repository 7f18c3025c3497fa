/** What a pull says it is doing is what it does. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pull } from '../../lib/app/pull.js'
import { systemClock } from '../../lib/app/system.js'
import { NO_EVENTS, pullConfig, startCentre } from '../support/centre.js'

t.test(
  'it compares, fetches, then brings indices; with nothing to fetch it says nothing of it',
  async (t) => {
    const home = t.testdir({ source: { file: 'one', sub: { other: 'two' } }, state: {} })
    const centre = await startCentre(join(home, 'source'), join(home, 'state'))
    t.teardown(() => centre.stop())
    const phases = async (): Promise<string[]> => {
      const said: string[] = []
      const events = { ...NO_EVENTS, phase: (name: string) => void said.push(name) }
      const host = { clock: systemClock, log: () => {}, userAgent: 'prsync/test' }
      const config = { ...pullConfig(centre.url, join(home, 'dest')), lingerMs: 1 }
      await pull(config, events, host, new AbortController().signal)
      return said.filter((name, i) => name !== said[i - 1])
    }
    const whole = ['snapshot', 'compare', 'fetch', 'indices', 'giving to others']
    t.same(await phases(), whole)
    t.same(
      await phases(),
      whole.filter((name) => name !== 'fetch'),
    )
    writeFileSync(join(home, 'source/file'), 'three')
    await centre.rescan()
    t.same(await phases(), whole)
  },
)
