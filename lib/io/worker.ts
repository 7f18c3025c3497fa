/** The inside of a thread of a WorkerPool. */
import { parentPort } from 'node:worker_threads'

/** Answers each job as it comes. */
export function answerJobs<Job, Result>(answer: (job: Job) => Result): void {
  parentPort?.on('message', ({ id, job }: { id: number; job: Job }) => {
    parentPort?.postMessage({ id, result: answer(job) })
  })
}
