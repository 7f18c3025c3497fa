/**
 * Whole files that threads copy, many to a job: the main thread goes on deciding and telling. What a thread could not do is
 * done again here, the plain way, which says why it cannot be done: so there is one place for messages and exit codes.
 */
import { type ByteName, baseOf, directoryOf } from '../base/byte-name.js'
import { FileError, messageOf } from '../base/errors.js'
import { COPY_COLUMNS, type CopyJob, type CopyThreads, type Standing } from '../host.js'
import type { Options } from '../options/options.js'
import type { AttributeWork } from './attributes.js'
import { isSent, type Request } from './request.js'
import type { SourceTree } from './trees.js'

/** Files, or bytes, before threads are worth their start. */
const ALONE_FILES = 400
const ALONE_BYTES = 16 * 2 ** 20
/** A job ends with a directory where it can: two threads that make files in one wait for each other. */
const JOB_FILES = 64
const MOST_JOB_FILES = 256
const JOB_BYTES = 8 * 2 ** 20
const SMALL_BYTES = 2 ** 20
/** Jobs under way for each thread. */
const DEPTH = 4

type Done = (ok: boolean) => void
type Task = { readonly request: Request; readonly done: Done }
type Place = { readonly tree: SourceTree; readonly directory: ByteName }
type Group = { readonly from: Place; readonly to: Place; files: number }

export type CrewParts = {
  readonly options: Options
  readonly to: SourceTree
  readonly attributes: AttributeWork
  /** Null: this machine has none. Asked once there is enough to do. */
  readonly open: () => CopyThreads | null
  readonly bring: (request: Request) => boolean
  readonly count: { files: number; bytes: number; literal: number }
  /** Who we are: 0 reads everything. */
  readonly uid: number
  /** Whoever waits is told at once. */
  readonly signal: AbortSignal
}

export class CopyCrew {
  readonly #parts: CrewParts
  #mayCopy: boolean
  readonly #bare: boolean
  readonly #onlyNew: boolean
  #threads: CopyThreads | null | undefined
  #alone = { files: 0, bytes: 0 }
  #tasks: Task[] = []
  #groups: Group[] = []
  #bytes = 0
  #underWay = 0
  /** What a job's end brought up, to be thrown where somebody waits. */
  #error: Error | null = null
  #wake: (() => void) | null = null
  readonly #stop = new Int32Array(new SharedArrayBuffer(4))

  constructor(parts: CrewParts) {
    this.#parts = parts
    this.#mayCopy = isPlain(parts.options)
    this.#bare = parts.options.acls || parts.options.xattrs > 0
    this.#onlyNew = mindsWhatStands(parts.options)
    parts.signal.addEventListener('abort', () => this.#wake?.(), { once: true })
  }

  /** Takes a request on, to call `done` later. False: it is not for threads, or not worth it. */
  takes(request: Request, done: Done): boolean {
    const { options, uid } = this.#parts
    if (!this.#mayCopy || !isWhole(request, options)) return false
    // It is told before it is opened: so there must be no doubt that it can be.
    if (!isReadable(request.entry.stands, uid)) return false
    const { entry, name, seen } = request
    const { size } = entry.stands
    if (this.#onlyNew && (seen !== null || size > SMALL_BYTES)) return false
    this.#alone.files++
    this.#alone.bytes += size
    if (this.#alone.files <= ALONE_FILES && this.#alone.bytes <= ALONE_BYTES) return false
    if (this.#alone.files === 1) return false
    if (this.#threads === undefined) this.#threads = this.#parts.open()
    if (this.#threads === null) return false
    this.#group(entry.origin.tree, directoryOf(entry.origin.name), directoryOf(name)).files++
    request.announce()
    this.#tasks.push({ request, done })
    this.#bytes += size
    if (this.#tasks.length >= MOST_JOB_FILES || this.#bytes >= JOB_BYTES) this.#send()
    return true
  }

  #group(tree: SourceTree, fromDirectory: ByteName, toDirectory: ByteName): Group {
    const last = this.#groups.at(-1)
    if (
      last !== undefined &&
      last.from.tree === tree &&
      last.from.directory === fromDirectory &&
      last.to.directory === toDirectory
    )
      return last
    if (this.#tasks.length >= JOB_FILES) this.#send()
    const from = { tree, directory: fromDirectory }
    const fresh = { from, to: { tree: this.#parts.to, directory: toDirectory }, files: 0 }
    this.#groups.push(fresh)
    return fresh
  }

  #send(): void {
    const threads = this.#threads
    const tasks = this.#tasks
    if (tasks.length === 0 || threads === undefined || threads === null) return
    const job = this.#job(tasks, this.#groups)
    this.#tasks = []
    this.#groups = []
    this.#bytes = 0
    this.#underWay++
    threads
      .run(job)
      .then(({ bytes, failed }) => this.#finish(tasks, bytes, failed))
      .catch((error: unknown) => {
        this.#error ??= error instanceof Error ? error : new FileError(messageOf(error))
      })
      .finally(() => {
        this.#underWay--
        this.#wake?.()
      })
  }

  #job(tasks: readonly Task[], groups: readonly Group[]): CopyJob {
    const rows = new Float64Array(tasks.length * COPY_COLUMNS)
    let names = ''
    for (const [i, { request }] of tasks.entries()) {
      const { entry, like } = request
      const { uid, gid, mode, mtimeNs } = this.#parts.attributes.wanted(entry, like, null, true)
      const rest = mtimeNs === null ? 0n : ((mtimeNs % SECOND) + SECOND) % SECOND
      const seconds = mtimeNs === null ? Number.NaN : Number((mtimeNs - rest) / SECOND)
      rows.set(
        [entry.stands.size, mode ?? entry.mode, uid ?? -1, gid ?? -1, seconds, Number(rest)],
        i * COPY_COLUMNS,
      )
      names += `${baseOf(request.name)}\0`
    }
    return {
      groups: groups.map(({ from, to, files }) => ({
        from: from.tree.forThreads,
        fromDirectory: from.directory,
        to: to.tree.forThreads,
        toDirectory: to.directory,
        files,
      })),
      names: Buffer.from(names, 'latin1'),
      rows,
      bare: this.#bare,
      stop: this.#stop,
    }
  }

  #finish(tasks: readonly Task[], bytes: number, failed: readonly number[]): void {
    if (this.#stop[0] !== 0) return
    const { count, bring } = this.#parts
    count.literal += bytes
    // On some file systems everything has extended attributes.
    if (this.#bare && failed.length === tasks.length) this.#mayCopy = false
    const again = new Set(failed)
    for (const [i, { request, done }] of tasks.entries()) {
      if (again.has(i)) {
        done(bring({ ...request, announce: () => undefined }))
        continue
      }
      const { size } = request.entry.stands
      if (isSent(request)) {
        count.files++
        count.bytes += size
      } else count.literal -= size
      done(true)
    }
  }

  // ---- pace --------------------------------------------------------------------------------------

  /** What has to be awaited before more is handed out; null: nothing. */
  pause(): Promise<void> | null {
    return this.#isFull ? this.#room() : null
  }
  get #isFull(): boolean {
    return this.#underWay > 0 && this.#underWay >= (this.#threads?.width ?? 0) * DEPTH
  }
  async #room(): Promise<void> {
    while (this.#isFull) await this.#nextOrThrow()
    this.#throw()
  }
  /** Until all is done. */
  async drain(): Promise<void> {
    this.#send()
    while (this.#underWay > 0) await this.#nextOrThrow()
    this.#throw()
  }
  /** What is under way ends soon, without a file left half made; the threads go. */
  async close(): Promise<void> {
    this.#stop[0] = 1
    this.#tasks = []
    while (this.#underWay > 0) await this.#next()
    await this.#threads?.close()
  }
  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
  async #nextOrThrow(): Promise<void> {
    await this.#next()
    this.#throw()
  }
  #throw(): void {
    this.#parts.signal.throwIfAborted()
    if (this.#error !== null) throw this.#error
  }
}

const SECOND = 1_000_000_000n

/** Options by which what stands there is kept or written to; of a file that breaks off, what came. Small ones come whole. */
function mindsWhatStands(o: Options): boolean {
  return o.inplace || o.append !== 'no' || o.partial || o.backup
}
/** Options that a thread knows nothing of. */
function isPlain(o: Options): boolean {
  return (
    !o.sparse &&
    !o.preallocate &&
    !o.fsync &&
    o.partialDir === null &&
    !o.delayUpdates &&
    o.tempDir === null &&
    !o.fakeSuper &&
    o.iconv === null &&
    !o.fakeSuperThere &&
    !o.atimes &&
    !o.openNoAtime &&
    o.bwlimit === 0 &&
    !o.progress &&
    !o.removeSourceFiles &&
    !o.copyLinks &&
    !o.copyUnsafeLinks &&
    !o.copyDevices &&
    o.confineRoot === null &&
    // Threads tell nothing.
    Math.max(o.debug.own, o.debug.recv, o.debug.send) === 0 &&
    !o.writeDevices
  )
}

function isReadable({ uid, mode }: Standing, me: number): boolean {
  return me === 0 || (uid === me ? (mode & 0o400) !== 0 : (mode & 0o444) === 0o444)
}

/** All its bytes come, to a name of its own. */
function isWhole({ entry, name, seen, basis }: Request, options: Options): boolean {
  return (
    basis === null &&
    entry.origin.isFollowed !== true &&
    (options.wholeFile !== false || seen === null) &&
    (seen === null || seen.kind === 'file') &&
    baseOf(name) === baseOf(entry.origin.name)
  )
}
