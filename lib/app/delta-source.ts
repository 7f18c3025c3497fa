/**
 * A content from an older one: the published √size sums are fetched like a content, what stands here is scanned with them,
 * and only what was not found has to come. The work is on the edge; the centre stays idle.
 */
import { type ByteName, baseOf, byteName, directoryOf, joinName } from '../base/byte-name.js'
import { PrsyncError } from '../base/errors.js'
import { overAll } from '../base/together.js'
import { stemOf } from '../flist/similar.js'
import type { ContentId, Root } from '../hash/root.js'
import { SMALL_BYTES } from '../hash/unit.js'
import type { Log, Standing } from '../host.js'
import { PartialFile, type Partials } from '../io/partial.js'
import type { ByteRange, ScanPool } from '../io/scan-pool.js'
import { type DiskTree, PRIVATE_NAME } from '../io/tree.js'
import type { Centre } from './centre.js'
import { pathOf } from './index-tree.js'
import { MemorySink } from './memory-sink.js'
import type { Fetcher, Missing } from './missing.js'
import type { Job } from './pull-plan.js'
import type { PullReport } from './pull-report.js'

export type DeltaSourceParts = {
  readonly tree: DiskTree
  readonly partials: Partials
  readonly scans: ScanPool
  readonly centre: Centre
  /** For sums, which count as metadata. */
  readonly fetcher: Fetcher
  readonly report: PullReport
  readonly log: Log
}

type Candidate = {
  readonly missing: Missing
  readonly basis: ByteName
  readonly sums: ContentId | null
}

export class DeltaSource {
  readonly #parts: DeltaSourceParts
  readonly #listed = new Map<ByteName, ReadonlyMap<string, readonly Standing[]>>()

  constructor(parts: DeltaSourceParts) {
    this.#parts = parts
  }

  /** What is missing, with the ranges that are still missing where a basis gave the rest. */
  async narrow(
    missing: readonly Missing[],
    jobs: ReadonlyMap<Root, readonly Job[]>,
    signal: AbortSignal,
  ): Promise<readonly Missing[]> {
    const narrowed = new Map<Missing, Missing>()
    const candidates = missing.flatMap((m) => this.#candidate(m, jobs.get(m.content.root) ?? []))
    if (candidates.length === 0) return missing
    const sums = await this.#fetchSums(candidates, signal)
    await overAll(candidates, this.#parts.scans.width, signal, async (candidate, inner) => {
      const bytes =
        (candidate.sums && sums.get(candidate.sums.root)) ?? (await this.#askSums(candidate, inner))
      if (bytes === null) return
      const ranges = await this.#scan(candidate, bytes)
      if (ranges !== null) narrowed.set(candidate.missing, { ...candidate.missing, ranges })
    })
    return missing.map((m) => narrowed.get(m) ?? m)
  }

  /** Of all names that get the content, one that has an older version to scan: its own, else that of a similar name. */
  #candidate(missing: Missing, jobs: readonly Job[]): Candidate[] {
    if (missing.content.length <= SMALL_BYTES) return []
    const updated = jobs.find((job) => job.decision.kind === 'update')
    const sums = jobs[0]?.entry.sums ?? null
    if (updated !== undefined) return [{ missing, basis: updated.name, sums }]
    // Without sums in the snapshot they would have to be made at the centre: worth it for the same name only.
    if (sums === null) return []
    for (const { name } of jobs) {
      const basis = this.#similar(name, missing.content.length)
      if (basis !== null) return [{ missing, basis, sums }]
    }
    return []
  }

  /** A version of it in the same directory: of those the nearest in size. */
  #similar(name: ByteName, size: number): ByteName | null {
    const directory = directoryOf(name)
    let byStem = this.#listed.get(directory)
    if (byStem === undefined) {
      const found = new Map<string, Standing[]>()
      for (const s of this.#parts.tree.list(directory) ?? []) {
        if (s.kind !== 'file' || s.size <= SMALL_BYTES) continue
        const stem = stemOf(s.base)
        const same = found.get(stem)
        if (same === undefined) found.set(stem, [s])
        else same.push(s)
      }
      byStem = found
      this.#listed.set(directory, found)
    }
    let best: Standing | null = null
    for (const s of byStem.get(stemOf(baseOf(name))) ?? [])
      if (best === null || Math.abs(s.size - size) < Math.abs(best.size - size)) best = s
    return best === null ? null : joinName(directory, best.base)
  }

  /** The sums that the snapshot names, through the swarm: one copy of them leaves the centre. */
  async #fetchSums(
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<Root, Uint8Array>> {
    const wanted = new Map<Root, Missing>()
    for (const { sums, missing } of candidates)
      if (sums !== null)
        wanted.set(sums.root, {
          content: sums,
          since: missing.since,
          name: missing.name,
          ranges: [],
        })
    const sink = new MemorySink()
    if (wanted.size > 0) await this.#parts.fetcher([...wanted.values()], sink, signal)
    return sink.contents
  }

  /** Made at the centre when first asked for. Without them the content comes whole. */
  async #askSums({ missing, sums }: Candidate, signal: AbortSignal): Promise<Uint8Array | null> {
    if (sums !== null) return null
    try {
      const bytes = await this.#parts.centre.sums(missing.content, signal)
      this.#parts.report.bytes.metadata += bytes.length
      return bytes
    } catch (error) {
      if (signal.aborted || !(error instanceof PrsyncError)) throw error
      this.#parts.log('delta.no-sums', { name: missing.name, what: error.message })
      return null
    }
  }

  /** What the basis did not have, or null where it was of no use. */
  async #scan(
    { missing, basis }: Candidate,
    sums: Uint8Array,
  ): Promise<readonly ByteRange[] | null> {
    const { tree, partials, scans, report, log } = this.#parts
    const { length } = missing.content
    const partial = new PartialFile(tree, partials, missing.content)
    // What was verified in an earlier run is not written over with what a scan believes.
    for (let unit = 0; unit < partial.units; unit++) if (partial.isMarked(unit)) return null
    partial.create()
    const target = pathOf(tree, joinName(PRIVATE_NAME, byteName(partial.name)))
    const result = await scans.run({ basis: pathOf(tree, basis), target, sums, length })
    partial.close()
    if (result.kind === 'failed') {
      log('delta.failed', { name: missing.name, what: result.message })
      return null
    }
    const lacking = result.missing.reduce((sum, range) => sum + range.length, 0)
    if (lacking === length) return null
    // "Nothing missing" would read as "all of it": the last byte comes again.
    const ranges = lacking === 0 ? [{ offset: length - 1, length: 1 }] : result.missing
    report.bytes.delta += length - Math.max(1, lacking)
    return ranges
  }
}
