/** A thread of the copy pool. */
import { parentPort } from 'node:worker_threads'
import { StartupError } from '../base/errors.js'
import type { CopyJob } from '../host.js'
import { FileCopier } from './file-copier.js'
import { rawCalls } from './libc-raw.js'

const raw = rawCalls()
if (raw === null) throw new StartupError('no calls to copy files with')
const copier = new FileCopier(raw)

parentPort?.on('message', ({ id, job }: { id: number; job: CopyJob }) => {
  parentPort?.postMessage({ id, result: copier.copy(job) })
})
