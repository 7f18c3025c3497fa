/** A publication that is cut short in the middle of its pages is made whole by the next. */
import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findEntry } from '../../lib/app/pages.js'
import { type Publication, Publisher, type Snapshot } from '../../lib/app/publish.js'
import { settledUnder } from '../../lib/app/settle.js'
import { systemClock } from '../../lib/app/system.js'
import { byteName } from '../../lib/base/byte-name.js'
import { keyPairOf } from '../../lib/hash/ed25519.js'
import type { Clock } from '../../lib/host.js'
import { HashPool } from '../../lib/io/hash-pool.js'
import { Store } from '../../lib/io/store.js'
import { DiskTree } from '../../lib/io/tree.js'

const DIRECTORIES = 900
const never = new AbortController().signal

/** Publishes once with an index; the clock is asked once for each directory that is built. */
async function publish(
  source: string,
  state: string,
  previous: Snapshot | null,
  clock: Clock,
  signal: AbortSignal,
): Promise<Publication> {
  const tree = new DiskTree(source)
  const store = new Store(state)
  const pool = new HashPool(1)
  const publisher = new Publisher({
    module: 'm',
    tree,
    store,
    pool,
    recipes: pool.recipes,
    assembleMin: null,
    log: () => {},
    keys: keyPairOf(new Uint8Array(32)),
    select: () => true,
    under: settledUnder('test'),
    xattrs: false,
    clock,
    progress: () => {},
  })
  try {
    return await publisher.publish(previous, signal)
  } finally {
    await pool.close()
    await store.close()
    tree.close()
  }
}

t.test('what a cut left unbuilt is built by the next look', async (t) => {
  const home = t.testdir({ source: {} })
  const source = join(home, 'source')
  const file = (i: number): string => join(source, `a${i % 30}/b${i}/f`)
  for (let i = 0; i < DIRECTORIES; i++) {
    mkdirSync(join(file(i), '..'), { recursive: true })
    writeFileSync(file(i), `${i}`)
  }
  const state = join(home, 'cut')
  const later = { ...systemClock, now: () => systemClock.now() + 60_000 }
  const cut = async (previous: Snapshot | null, after: number): Promise<void> => {
    const stop = new AbortController()
    let asked = 0
    const now = (): number => {
      if (++asked === after) stop.abort(new Error('cut'))
      return later.now()
    }
    await t.rejects(publish(source, state, previous, { ...later, now }, stop.signal), {
      message: 'cut',
    })
  }
  await cut(null, 600)
  const first = await publish(source, state, null, later, never)
  const whole = await publish(source, join(home, 'whole'), null, later, never)
  t.equal(first.snapshot.head.page?.root, whole.snapshot.head.page?.root)

  for (let i = 0; i < DIRECTORIES; i++) appendFileSync(file(i), '!')
  await cut(first.snapshot, 700)
  const second = await publish(source, state, first.snapshot, later, never)
  const other = await publish(source, join(home, 'whole'), whole.snapshot, later, never)
  t.equal(second.snapshot.head.page?.root, other.snapshot.head.page?.root)
  t.not(second.snapshot.head.page?.root, first.snapshot.head.page?.root)
  const third = await publish(source, state, second.snapshot, later, never)
  t.notOk(third.changed)
})

t.test('a file with another time is new to HTTP clients, and to volunteers', async (t) => {
  const folder = t.testdir({ source: { a: 'a', b: 'b' }, state: {} })
  const [source, state] = [join(folder, 'source'), join(folder, 'state')]
  const first = await publish(source, state, null, systemClock, never)
  utimesSync(join(source, 'a'), 1_600_000_000, 1_600_000_000)
  const { snapshot } = await publish(source, state, first.snapshot, systemClock, never)
  const store = new Store(state)
  const since = ['a', 'b'].map((name) => {
    const entry = findEntry(snapshot.head.page, byteName(name), (root) => store.blob(root))
    return entry?.kind === 'file' ? entry.since : null
  })
  await store.close()
  t.same(since, [2, 1])
})
