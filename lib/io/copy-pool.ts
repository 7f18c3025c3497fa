/** Threads that copy whole small files, a job at a time. */
import { availableParallelism } from 'node:os'
import type { CopyJob, CopyResult, CopyThreads } from '../host.js'
import { rawCalls } from './libc-raw.js'
import { mayStart, WorkerPool } from './worker-pool.js'

/** More only wait for the same disk. */
const MOST = 4

/** Null on a machine where they would gain nothing: one processor, or no koffi. */
export function openCopyPool(): CopyThreads | null {
  const width = Math.min(MOST, availableParallelism())
  const script = new URL('./copy-worker.js', import.meta.url)
  if (width < 2 || rawCalls() === null || !mayStart(script)) return null
  return new WorkerPool<CopyJob, CopyResult>(script, width)
}
