/** A thread of the look pool. */
import { parentPort } from 'node:worker_threads'
import { StartupError } from '../base/errors.js'
import type { LookJob } from '../host.js'
import { rawCalls } from './libc-raw.js'
import { PairLook } from './pair-look.js'

const raw = rawCalls()
if (raw === null) throw new StartupError('no calls to look at files with')
const pairs = new PairLook(raw)

parentPort?.on('message', ({ id, job }: { id: number; job: LookJob }) => {
  parentPort?.postMessage({ id, result: pairs.look(job) })
})
