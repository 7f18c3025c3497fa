/** Threads that search one large file together with this one. */
import { availableParallelism } from 'node:os'
import type { DeltaThreads } from '../host.js'
import { DeltaParts } from './delta-parts.js'
import { mayStart, WorkerPool } from './worker-pool.js'

/** More only wait for the same memory. */
const MOST = 7

/** Null where this thread has the only processor. */
export function openDeltaPool(): DeltaThreads | null {
  const width = Math.min(MOST, availableParallelism() - 1)
  const script = new URL('./delta-worker.js', import.meta.url)
  if (width < 1 || !mayStart(script)) return null
  const pool = new WorkerPool<unknown, null>(script, width)
  const own = new DeltaParts()
  return {
    help: (job) => {
      // One that fails leaves its parts to the others, or marks the job.
      for (let i = 0; i < width; i++) pool.run(job).catch(() => {})
    },
    next: (job) => own.next(job),
    close: () => pool.close(),
  }
}
