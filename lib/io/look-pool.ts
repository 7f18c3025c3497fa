/** Whoever compares pairs of directories: this thread, and others beside it. */
import { availableParallelism } from 'node:os'
import type { LookJob, LookResult, LookThreads } from '../host.js'
import { rawCalls } from './libc-raw.js'
import { PairLook } from './pair-look.js'
import { mayStart, WorkerPool } from './worker-pool.js'

/** More only wait for the same disk. */
const MOST = 3

/** In this thread; null without koffi. */
export function openLook(): ((job: LookJob) => LookResult) | null {
  const raw = rawCalls()
  if (raw === null) return null
  const pairs = new PairLook(raw)
  return (job) => pairs.look(job)
}

/** Null where this thread has the only processor. */
export function openLookPool(): LookThreads | null {
  const width = Math.min(MOST, availableParallelism() - 1)
  const script = new URL('./look-worker.js', import.meta.url)
  if (width < 1 || !mayStart(script)) return null
  return new WorkerPool<LookJob, LookResult>(script, width)
}
