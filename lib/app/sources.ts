/** Where contents come from, cheapest first: the same content here, a basis and its sums, peers, the centre. */
import type { ByteName } from '../base/byte-name.js'
import { codeOf, FileError, messageOf } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import type { ContentId, Root } from '../hash/root.js'
import type { ContentSink, PartialContent } from '../host.js'
import type { HashPool } from '../io/hash-pool.js'
import { PartialFile, type Partials } from '../io/partial.js'
import type { Place, Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import type { Way } from '../plan/itemize.js'
import type { DeltaSource } from './delta-source.js'
import { pathOf } from './index-tree.js'
import type { Materializer } from './materialize.js'
import type { Fetcher, Missing } from './missing.js'
import type { Job } from './pull-plan.js'
import type { PullReport } from './pull-report.js'
import type { Sources } from './pull-run.js'

export type LocalSourcesParts = {
  readonly tree: DiskTree
  readonly store: Store
  readonly pool: HashPool
  readonly materializer: Materializer
  readonly partials: Partials
  readonly report: PullReport
  readonly outcome: Outcome
  readonly fetcher: Fetcher
  readonly delta: DeltaSource
  readonly done: (job: Job, way: Way) => void
}

export class LocalSources implements Sources {
  /** Contents that nobody could give. */
  lost = 0
  readonly #parts: LocalSourcesParts

  constructor(parts: LocalSourcesParts) {
    this.#parts = parts
  }

  async bring(jobs: ReadonlyMap<Root, readonly Job[]>, signal: AbortSignal): Promise<void> {
    const missing: Missing[] = []
    for (const [root, same] of jobs) {
      signal.throwIfAborted()
      const [first] = same
      if (first?.entry.content == null || (await this.#clone(root, same))) continue
      missing.push({
        content: first.entry.content,
        since: first.entry.since,
        name: first.name,
        ranges: [],
      })
    }
    if (missing.length === 0) return
    const narrowed = await this.#parts.delta.narrow(missing, jobs, signal)
    await this.#parts.fetcher(narrowed, this.#sink(jobs), signal)
  }

  /** The same content under another name of this tree. */
  async #clone(root: Root, jobs: readonly Job[]): Promise<boolean> {
    for (const place of this.#parts.store.places(root)) {
      const fd = this.#open(place)
      if (fd === null) continue
      try {
        if (await this.#cloneFrom(fd, place, jobs)) return true
      } finally {
        this.#parts.tree.closeFile(fd)
      }
    }
    return false
  }

  async #cloneFrom(fd: number, place: Place, jobs: readonly Job[]): Promise<boolean> {
    const { materializer, report } = this.#parts
    let believed = place.hashed
    for (const job of jobs) {
      let staged: ByteName | null = null
      const made = materializer.attempt(job.name, () => {
        staged = materializer.stage(fd, place.size)
      })
      if (!made || staged === null) continue
      if (!believed && !(await this.#isRight(staged, job))) {
        materializer.reject(staged)
        return false
      }
      believed = true
      const whole: ByteName = staged
      if (!materializer.attempt(job.name, () => materializer.accept(whole, job))) continue
      report.bytes.cloned += place.size
      this.#parts.done(job, 'local')
    }
    return true
  }

  async #isRight(staged: ByteName, job: Job): Promise<boolean> {
    const { tree, pool } = this.#parts
    const [hashed] = await pool.hash([{ path: pathOf(tree, staged), sums: false }])
    return hashed?.kind === 'hashed' && hashed.root === job.entry.content?.root
  }

  /** Null where it is no longer the file that is remembered. */
  #open(place: Place): number | null {
    const { tree } = this.#parts
    try {
      const stands = tree.stat(place.name)
      const same = stands !== null && stands.ino === place.ino && stands.mtimeNs === place.mtimeNs
      return same && stands.size === place.size ? tree.openFile(place.name) : null
    } catch (error) {
      if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
      return null
    }
  }

  #sink(jobs: ReadonlyMap<Root, readonly Job[]>): ContentSink {
    const { tree, partials } = this.#parts
    return {
      small: (content, bytes) => {
        this.#deliver(jobs.get(content.root) ?? [], content, (job) =>
          this.#parts.materializer.bytes(job, bytes),
        )
      },
      lost: (content, why) => {
        this.lost++
        for (const { name } of jobs.get(content.root) ?? []) this.#parts.outcome.fault(name, why)
      },
      open: (content): PartialContent => {
        const file = new PartialFile(tree, partials, content)
        const finish = (leaves: Uint8Array | null): void => {
          file.finish()
          if (leaves !== null) this.#parts.materializer.keepLeaves(content.root, leaves)
          const deliver = (job: Job): void => this.#parts.materializer.partial(job, file)
          this.#deliver(jobs.get(content.root) ?? [], content, deliver)
        }
        return {
          length: file.length,
          unitBytes: file.unitBytes,
          isMarked: (unit) => file.isMarked(unit),
          write: (offset, bytes) => {
            try {
              file.write(offset, bytes)
            } catch (error) {
              throw new FileError(`cannot write ${file.name}: ${messageOf(error)}`, {
                cause: error,
              })
            }
          },
          read: (offset, length) => file.read(offset, length),
          mark: (unit) => file.mark(unit),
          finish,
        }
      },
    }
  }

  /** The first name gets the bytes, the others a clone of it. */
  #deliver(jobs: readonly Job[], content: ContentId, make: (job: Job) => void): void {
    const { materializer, tree, report } = this.#parts
    let standing: ByteName | null = null
    for (const job of jobs) {
      const from = standing
      const made = materializer.attempt(job.name, () => {
        if (from === null) return make(job)
        const fd = tree.openFile(from)
        try {
          materializer.accept(materializer.stage(fd, content.length), job)
        } finally {
          tree.closeFile(fd)
        }
      })
      if (!made) continue
      if (from !== null) report.bytes.cloned += content.length
      this.#parts.done(job, from === null ? 'received' : 'local')
      standing ??= job.name
    }
  }
}
