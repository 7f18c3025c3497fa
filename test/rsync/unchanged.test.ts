import t from 'tap'
import { byteName, ROOT_NAME } from '../../lib/base/byte-name.js'
import { LOOK_COLUMNS, type LookJob, type LookResult, type LookThreads } from '../../lib/host.js'
import { DiskTree } from '../../lib/io/tree.js'
import { resolveOptions } from '../../lib/options/resolve.js'
import { parseRsyncLine } from '../../lib/options/rsync-line.js'
import type { SourceDirectory } from '../../lib/rsync/source-node.js'
import { Unchanged } from '../../lib/rsync/unchanged.js'

const WIDTH = 8
/** Of files in each directory: threads are worth it soon. */
const FILES = 500

/** Directories d/d/d, one of them not the same. */
const CHANGED = '3/5'
function look(job: LookJob, seen: string[]): LookResult {
  const pending = [...job.below]
  const [same, different]: string[][] = [[], []]
  for (let left = job.most; left > 0; ) {
    const next = pending.pop()
    if (next === undefined) break
    seen.push(next)
    const depth = next === '' ? 0 : next.split('/').length
    for (let i = 0; depth < 3 && i < WIDTH; i++) pending.push(next === '' ? `${i}` : `${next}/${i}`)
    if (next === CHANGED) different?.push(next)
    else same?.push(next)
    left -= FILES
  }
  const rows = new Float64Array((same?.length ?? 0) * LOOK_COLUMNS).fill(1)
  for (let i = 0; i < rows.length; i += LOOK_COLUMNS) rows[i] = FILES
  return {
    ...{ same: same ?? [], rows, rest: pending },
    ...{ different: different ?? [], alike: (different ?? []).map(() => 'a\0b\0') },
    alikeRows: Float64Array.from((different ?? []).flatMap(() => [2, 0, 0, 7])),
  }
}

t.test('each directory is looked at once, here or by a thread', async (t) => {
  const tree = new DiskTree(t.testdir({}))
  t.teardown(() => tree.close())
  const options = resolveOptions(parseRsyncLine(['-a']).flags, {}, new Date(0))
  const here: string[] = []
  const there: string[] = []
  const jobs: number[] = []
  const starting: (() => void)[] = []
  const threads: LookThreads = {
    width: 2,
    run: async (job) => {
      jobs.push(job.below.length)
      // The first to be asked are starting until this thread has seen half of all.
      if (jobs.length <= 2) await new Promise<void>((resolve) => starting.push(resolve))
      return look(job, there)
    },
    close: async () => {},
  }
  const unchanged = new Unchanged({
    options,
    keeping: { ...options, umask: 0, wholeSeconds: false },
    filters: [],
    to: tree,
    open: () => (job) => {
      const result = look(job, here)
      if (here.length > 300) for (const start of starting.splice(0)) start()
      return result
    },
    threads: () => threads,
    signal: new AbortController().signal,
  })
  await unchanged.search({
    ...{ entry: null, name: ROOT_NAME, named: new Map(), listed: null },
    contents: [{ tree, name: ROOT_NAME, rank: 0, above: null }],
  })
  const all = 1 + WIDTH + WIDTH ** 2 + WIDTH ** 3
  t.equal(new Set([...here, ...there]).size, all)
  t.equal(here.length + there.length, all)
  t.same(jobs.slice(0, 2), [1, 1], 'threads that are starting hold one directory each')
  t.ok(jobs.length > 4 && there.length > 50, 'and then their share')
  for (const name of ['.', '3', '3/5']) t.notOk(unchanged.isDone(byteName(name)), name)
  for (const name of ['2', '3/4', '3/5/1']) t.ok(unchanged.isDone(byteName(name)), name)
  t.equal(unchanged.tally().file, (all - 1) * FILES)

  const changed: SourceDirectory = {
    ...{ entry: null, name: byteName(CHANGED), contents: [], named: new Map() },
    listed: null,
  }
  t.ok(unchanged.visits(changed))
  t.same(changed.alike, new Set(['a', 'b']), 'what is in order in it is left out')
  t.equal(unchanged.tally().file, (all - 1) * FILES + 2)
  t.equal(unchanged.tally().bytes, all - 1 + 7)
  t.ok(unchanged.visits(changed), 'again')
  t.equal(unchanged.tally().file, (all - 1) * FILES + 2, 'counted once')
  t.notOk(unchanged.visits({ ...changed, name: byteName('2') }), 'one that is done')
  await unchanged.close()
})
