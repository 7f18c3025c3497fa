/** Threads that share a look at a tree find what one thread finds. */
import { chmodSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../lib/app/system.js'
import { ROOT_NAME } from '../../lib/base/byte-name.js'
import type { Orderly } from '../../lib/io/glance.js'
import { glanceTree, WHOLE } from '../../lib/io/glance-tree.js'
import { Store } from '../../lib/io/store.js'
import { DiskTree } from '../../lib/io/tree.js'
import { pullFrom, startCentre } from '../support/centre.js'

const never = new AbortController().signal
const later = { ...systemClock, now: () => systemClock.now() + 60_000 }

/** Without an order, which is that of the threads. */
function sorted(found: ReadonlyMap<string, Orderly>): unknown {
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)
  return [...found]
    .map(([head, o]) => ({
      ...o,
      head,
      links: [...o.links].sort(byName),
      broken: [...o.broken].sort(byName),
    }))
    .sort((a, b) => (a.head < b.head ? -1 : 1))
}

t.test('whoever looks, the same is in order', async (t) => {
  const home = t.testdir({ source: {}, state: {} })
  const source = join(home, 'source')
  for (let i = 0; i < 12; i++)
    for (let j = 0; j < 4; j++) {
      const directory = join(source, `a${i}/b${j}`)
      mkdirSync(directory, { recursive: true })
      for (let k = 0; k < 5; k++) writeFileSync(join(directory, `f${k}`), `${i} ${j} ${k}`)
    }
  linkSync(join(source, 'a1/b1/f1'), join(source, 'a2/b1/other'))
  const centre = await startCentre(source, join(home, 'state'), {}, () => {}, later)
  t.teardown(() => centre.stop())
  const dest = join(home, 'dest')
  for (let pull = 0; pull < 2; pull++) await pullFrom(centre.url, dest, {}, later)
  const tree = new DiskTree(dest)
  const store = new Store(join(dest, '.~prsync~/index'))
  const under = store.directory(ROOT_NAME)?.settled?.under ?? ''
  const look = (alone: number): Promise<ReadonlyMap<string, Orderly>> =>
    glanceTree(tree, store, { under, tidy: true, hashed: true }, WHOLE, never, alone)
  const whole = await look(0)
  t.match(whole.get(ROOT_NAME), { files: 241, entries: 12 + 48 + 241, unhashed: 0, broken: [] })
  t.equal(whole.get(ROOT_NAME)?.links.length, 2)
  t.same(sorted(whole), sorted(await look(1e9)))
  chmodSync(join(dest, 'a3/b2/f4'), 0o600)
  rmSync(join(dest, 'a5/b0'), { recursive: true })
  writeFileSync(join(dest, 'a7/new'), '')
  const parts = await look(0)
  t.same(sorted(parts), sorted(await look(1e9)))
  t.equal(parts.get(ROOT_NAME), undefined, 'two directories in it changed')
  t.match(parts.get('a3'), { files: 15, broken: [{ name: 'a3/b2' }] })
  t.equal(parts.get('a5/b1')?.files, 5, 'below what is not in order others are')
  await store.close()
  tree.close()
})
