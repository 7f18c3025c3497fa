/** Worker threads that each do one job at a time: what blocks or computes for long goes there, not on the main thread. */
import { accessSync, constants } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { StartupError } from '../base/errors.js'

type Waiting<Result> = {
  readonly resolve: (result: Result) => void
  readonly reject: (error: Error) => void
}

/** Who became another user may not be able to read the program's own files any more. */
export function mayStart(script: URL): boolean {
  try {
    accessSync(script, constants.R_OK)
    return true
  } catch {
    // It is what was asked.
    return false
  }
}

/** A job as it is sent, and its result as it comes back. The worker posts `{ id, result }`. */
export class WorkerPool<Job, Result> {
  readonly #script: URL
  readonly #workers: Worker[] = []
  /** Answers that each owes. */
  readonly #owed = new Map<Worker, number>()
  readonly #waiting = new Map<number, Waiting<Result>>()
  #next = 0

  readonly width: number

  constructor(script: URL, width: number) {
    this.#script = script
    this.width = width
  }

  /** A job goes to the thread that owes least; they start when first needed. Awaiting results before giving more is the backpressure. */
  run(job: Job): Promise<Result> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      const worker = this.#freest()
      this.#waiting.set(id, { resolve, reject })
      this.#owed.set(worker, this.#owes(worker) + 1)
      // A thread that owes an answer keeps the program alive, an idle one does not.
      worker.ref()
      worker.postMessage({ id, job })
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()))
  }

  #owes(worker: Worker): number {
    return this.#owed.get(worker) ?? 0
  }
  #freest(): Worker {
    let best: Worker | undefined
    for (const worker of this.#workers)
      if (best === undefined || this.#owes(worker) < this.#owes(best)) best = worker
    const isFree = best !== undefined && this.#owes(best) === 0
    return best === undefined || (!isFree && this.#workers.length < this.width)
      ? this.#start()
      : best
  }

  #start(): Worker {
    // What is loaded into the main thread first, by a test or a debugger, makes each thread start slowly.
    const worker = new Worker(this.#script, {
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    worker.on('message', (answer: { id: number; result: Result }) => {
      this.#waiting.get(answer.id)?.resolve(answer.result)
      this.#waiting.delete(answer.id)
      this.#owed.set(worker, this.#owes(worker) - 1)
      if (this.#waiting.size === 0) for (const idle of this.#workers) idle.unref()
    })
    worker.on('error', (cause: Error) => {
      const error = new StartupError(`a worker thread failed: ${cause.message}`, { cause })
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
      this.#owed.clear()
    })
    worker.unref()
    this.#workers.push(worker)
    return worker
  }
}
