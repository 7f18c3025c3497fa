/** Which directories of a tree are still in order: looked at on this thread while they are few, else on all there are. */
import { availableParallelism } from 'node:os'
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, ROOT_NAME } from '../base/byte-name.js'
import type { SettledWish } from './directory-record.js'
import { Glance, type Glanced, type Glimpse, mergeOrderly, type Orderly } from './glance.js'
import type { Store } from './store.js'
import type { DiskTree } from './tree.js'
import { WorkerPool } from './worker-pool.js'

export type GlanceJob = {
  /** The tree, held open: threads share descriptors. */
  readonly top: number
  /** Where the index stands. */
  readonly index: string
  readonly wish: SettledWish
  readonly items: readonly Glimpse[]
  /** Files after which the rest comes back. */
  readonly most: number
}

/** Files looked at before others get the thread, and before threads of their own pay for their start. */
const BREATH = 10_000
const ALONE = 150_000
/** Files and directories of one job. */
const JOB_FILES = 20_000
const JOB_DIRECTORIES = 128

/** The whole tree, whatever it was settled by. */
export const WHOLE: readonly Glimpse[] = [{ name: ROOT_NAME, page: undefined, head: null }]

/**
 * Everything that is in order at and below these, by the topmost directories of it.
 * @param alone files looked at on this thread before others help
 */
export async function glanceTree(
  tree: DiskTree,
  store: Store,
  wish: SettledWish,
  heads: readonly Glimpse[],
  signal: AbortSignal,
  alone = ALONE,
): Promise<ReadonlyMap<ByteName, Orderly>> {
  const orderly = new Map<ByteName, Orderly>()
  const glance = Glance.open(tree.handle, (name) => store.directoryBytes(name), wish)
  if (glance === null) return orderly
  let rest = heads
  for (let looked = 0; rest.length > 0 && looked < alone; looked += BREATH) {
    const found = glance.walk(rest, BREATH)
    mergeOrderly(orderly, found.orderly)
    rest = found.rest
    await breathe()
    signal.throwIfAborted()
  }
  if (rest.length > 0) await share([...rest], orderly, { tree, store, wish }, signal)
  return orderly
}

async function share(
  queue: Glimpse[],
  orderly: Map<ByteName, Orderly>,
  { tree, store, wish }: { tree: DiskTree; store: Store; wish: SettledWish },
  signal: AbortSignal,
): Promise<void> {
  const script = new URL('./glance-worker.js', import.meta.url)
  const pool = new WorkerPool<GlanceJob, Glanced>(script, availableParallelism())
  const running = new Set<Promise<void>>()
  const give = async (items: readonly Glimpse[]): Promise<void> => {
    const job = { top: tree.handle, index: store.path, wish, items, most: JOB_FILES }
    const found = await pool.run(job)
    mergeOrderly(orderly, found.orderly)
    for (const item of found.rest) queue.push(item)
  }
  try {
    while (queue.length > 0 || running.size > 0) {
      signal.throwIfAborted()
      while (queue.length > 0 && running.size < pool.width * 2) {
        const fair = Math.ceil(queue.length / (pool.width * 2))
        const given = give(queue.splice(-Math.min(fair, JOB_DIRECTORIES)))
        running.add(given)
        given.then(
          () => running.delete(given),
          () => {}, // the race hears of it
        )
      }
      await Promise.race(running)
    }
  } finally {
    await pool.close()
  }
}
