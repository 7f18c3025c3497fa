/** Leaf hashing on worker threads, many files a message. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { StartupError } from '../base/errors.js'
import type { Root } from '../hash/root.js'
import { SMALL_BYTES } from '../hash/unit.js'

export type HashJob = {
  readonly id: number
  /** Absolute paths, one char per byte. */
  readonly paths: readonly string[]
  /** Leaf hashes come back for files longer than this. */
  readonly leavesAbove: number
}

export type Hashed =
  | {
      readonly kind: 'hashed'
      /** Null for an empty file. */
      readonly root: Root | null
      readonly size: number
      readonly ino: bigint
      readonly mtimeNs: bigint
      readonly ctimeNs: bigint
      /** Packed; null for short files, whose root says it all. */
      readonly leaves: Uint8Array | null
    }
  /** It changed each time it was read. */
  | { readonly kind: 'changing' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

type Waiting = {
  readonly resolve: (results: readonly Hashed[]) => void
  readonly reject: (error: Error) => void
}

export class HashPool {
  readonly #workers: Worker[] = []
  readonly #waiting = new Map<number, Waiting>()
  #next = 0

  readonly width: number

  constructor(width = availableParallelism()) {
    this.width = width
  }

  /** Hashes the files, in this order. Awaiting it before giving more is the backpressure. */
  hash(paths: readonly string[]): Promise<readonly Hashed[]> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      const job: HashJob = { id, paths, leavesAbove: SMALL_BYTES }
      const worker = this.#worker(id % this.width)
      // a thread that owes an answer keeps the program alive, an idle one does not
      worker.ref()
      worker.postMessage(job)
    })
  }

  async close(): Promise<void> {
    const workers = this.#workers.splice(0)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }

  #worker(index: number): Worker {
    const running = this.#workers[index]
    if (running !== undefined) return running
    const worker = new Worker(new URL('./hash-worker.js', import.meta.url))
    worker.on('message', (answer: { id: number; results: readonly Hashed[] }) => {
      this.#waiting.get(answer.id)?.resolve(answer.results)
      this.#waiting.delete(answer.id)
      if (this.#waiting.size === 0) for (const idle of this.#workers) idle.unref()
    })
    worker.on('error', (cause: Error) => {
      const error = new StartupError(`a hashing thread failed: ${cause.message}`, { cause })
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    })
    worker.unref()
    this.#workers[index] = worker
    return worker
  }
}
