/** A thread of the delta pool. */
import { parentPort } from 'node:worker_threads'
import type { DeltaJob } from '../host.js'
import { DeltaParts } from './delta-parts.js'

const parts = new DeltaParts()

parentPort?.on('message', ({ id, job }: { id: number; job: DeltaJob }) => {
  while (parts.next(job));
  parentPort?.postMessage({ id, result: null })
})
