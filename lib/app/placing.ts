/**
 * What volunteers with a quota shall hold: releases of the last week, by what clients ask (`mirror/placement.ts`). Each is told its
 * whole list when it comes and when the list changes. What each was told outlives the centre at the volunteer.
 */
import { EMPTY, utf8Bytes, utf8Of } from '../base/bytes.js'
import { LIMITS } from '../base/limits.js'
import type { Clock } from '../host.js'
import { Demand } from '../mirror/demand.js'
import { place, type Release, type Surplus, WINDOW_MS } from '../mirror/placement.js'
import { productOf } from '../mirror/product-demand.js'
import {
  dividedReleases,
  isOfRelease,
  type PublishedFile,
  type ReleaseRef,
  releaseId,
  weighed,
} from '../mirror/release.js'
import { type CentreWord, releasesWithin } from '../mirror/volunteer-messages.js'
import type { ServedModule } from './module.js'
import { ProductFile } from './product-file.js'
import type { Wanted } from './redirect-desk.js'
import { ReleaseIndex } from './release-index.js'

/** How often it is looked whether somebody came or something was published; and how often demand is weighed. */
const LOOK_MS = 500
const PLACE_MS = 30_000

export type TableHost = {
  readonly name: string
  /** Bytes of its disk. */
  readonly quota: number
  /** What its line can send, bytes a second. */
  readonly free: number
  /** Another each time that it comes. */
  readonly channel: object
}

export type PlacingParts = {
  readonly modules: ReadonlyMap<string, ServedModule>
  readonly table: {
    readonly hosts: readonly TableHost[]
    limit(name: string, releases: readonly ReleaseRef[]): void
  }
  readonly tell: (channel: object, word: CentreWord) => void
  /** The file of what clients asked of each product. */
  readonly path: string
  readonly clock: Clock
}

/** Of a release that is placed on volunteers with a quota. */
export type Replicas = {
  readonly wanted: number
  /** Names of those that were told to hold it, away or not. */
  readonly told: readonly string[]
}

type Known = { readonly release: Release; readonly ref: ReleaseRef }

export class Placing {
  readonly #parts: PlacingParts
  readonly #indices = new Map<string, ReleaseIndex>()
  readonly #demand = new Demand()
  readonly #products: ProductFile
  /** What each shall hold, by id, also while it is away. */
  readonly #held = new Map<string, Set<string>>()
  /** What each channel was told. */
  readonly #told = new WeakMap<object, string>()
  #known: ReadonlyMap<string, Known> = new Map()
  #surplus: Surplus = new Map()
  #wanted: ReadonlyMap<string, number> = new Map()
  #last = ''
  #placedMs = Number.NEGATIVE_INFINITY

  /** @throws {StartupError} where the file cannot be read */
  constructor(parts: PlacingParts) {
    this.#parts = parts
    this.#products = new ProductFile(parts.path)
  }

  /** A snapshot stands. Its time is remembered: that of a release is that of the snapshot in which it came. */
  published(module: ServedModule): void {
    const { head } = module.current ?? {}
    if (head === undefined) return
    const nowMs = this.#parts.clock.now()
    const before = latelyOf(module).filter(
      ({ sequence, atMs }) => sequence < head.sequence && nowMs - atMs < WINDOW_MS,
    )
    remember(module, [...before, { sequence: head.sequence, atMs: nowMs, ranges: null }])
  }

  /** A client asks for the whole of a file. */
  asked({ module, name, since, content }: Wanted): void {
    const file = { name, since, bytes: content.length }
    for (const [id, { ref }] of this.#known)
      if (ref.module === module && isOfRelease(ref, file))
        return this.#demand.asked(id, content.length, this.#parts.clock.now())
  }

  /** A volunteer says what it was told to hold: by us before we started anew, as a rule. */
  keeps(name: string, releases: readonly ReleaseRef[]): void {
    if (!this.#held.has(name)) this.#held.set(name, new Set(releases.map(releaseId)))
  }

  /** Of the release that the file came with, as last weighed; null: it is of none that is placed. */
  replicas(module: string, file: PublishedFile): Replicas | null {
    for (const [id, { ref }] of this.#known) {
      const wanted = this.#wanted.get(id)
      if (wanted === undefined || ref.module !== module || !isOfRelease(ref, file)) continue
      const told = [...this.#held].filter(([, held]) => held.has(id)).map(([name]) => name)
      return { wanted, told }
    }
    return null
  }

  async keep(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#look(signal)
      await this.#parts.clock.sleep(LOOK_MS, signal)
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { modules, table, clock } = this.#parts
    // who has not said what it holds would be told to hold something else
    const hosts = table.hosts.filter(({ name }) => this.#held.has(name))
    if (hosts.length === 0) return
    const sequences = [...modules.values()].map(({ current }) => current?.head.sequence ?? 0)
    const now = JSON.stringify([sequences, hosts.map(({ name, quota }) => [name, quota])])
    const isNews = now !== this.#last
    const nowMs = clock.monotonic()
    if (isNews || nowMs - this.#placedMs >= PLACE_MS) {
      this.#last = now
      this.#placedMs = nowMs
      if (isNews) this.#known = await this.#releases(signal)
      this.#place(hosts)
    }
    for (const host of hosts) this.#tell(host)
  }

  async #releases(signal: AbortSignal): Promise<ReadonlyMap<string, Known>> {
    const nowMs = this.#parts.clock.now()
    const found = new Map<string, Known>()
    for (const module of this.#parts.modules.values()) {
      // the first snapshot is the archive as it was before anything was released here
      const lately = latelyOf(module).filter(
        ({ sequence, atMs }) => sequence > 1 && nowMs - atMs < WINDOW_MS,
      )
      const [first] = lately
      if (first === undefined) continue
      const index = this.#indices.get(module.name) ?? new ReleaseIndex(module)
      this.#indices.set(module.name, index)
      const files = (await index.since(first.sequence, signal)) ?? []
      const divided = lately.map((each) => withRanges(each, files))
      remember(module, divided)
      for (const { sequence, atMs, ranges } of divided)
        for (const [from, to] of ranges ?? []) {
          const ref = { module: module.name, since: sequence, from, to }
          const id = releaseId(ref)
          const weight = weighed(ref, files)
          const asked = { releasedMs: atMs, demand: 0, expected: null }
          if (weight !== null) found.set(id, { ref, release: { id, ...weight, ...asked } })
        }
    }
    this.#demand.keepOnly(new Set(found.keys()))
    return found
  }

  #place(hosts: readonly TableHost[]): void {
    const nowMs = this.#parts.clock.now()
    const releases = [...this.#known.values()].map(({ release, ref }) => {
      const demand = this.#demand.of(release.id, nowMs)
      if (release.kind !== 'image') return { ...release, demand }
      const launch = { ...release, product: productOf(ref.module, ref.to) }
      this.#products.demand.seen(launch, demand, nowMs)
      return { ...release, demand, expected: this.#products.demand.expected(launch, nowMs) }
    })
    this.#products.keep(nowMs)
    const asked = hosts.map(({ name, quota, free }) => ({
      ...{ id: name, quota, free },
      holds: this.#held.get(name) ?? new Set<string>(),
    }))
    const { moves, surplus, wanted } = place(releases, asked, this.#surplus, nowMs)
    this.#surplus = surplus
    this.#wanted = wanted
    for (const { host, release, kind } of moves) {
      const held = this.#held.get(host) ?? new Set()
      this.#held.set(host, held)
      if (kind === 'fetch') held.add(release)
      else held.delete(release)
    }
  }

  #tell({ name, channel }: TableHost): void {
    const refs = [...(this.#held.get(name) ?? [])].flatMap((id) => this.#known.get(id)?.ref ?? [])
    const releases = releasesWithin(refs, LIMITS.centreWordBytes)
    const told = JSON.stringify(releases)
    if (this.#told.get(channel) === told) return
    this.#told.set(channel, told)
    this.#parts.table.limit(name, releases)
    this.#parts.tell(channel, { type: 'wanted', releases })
  }
}

/** A snapshot of the last week: when it was published, and how what came in it was divided; null: nobody asked yet. */
type Lately = {
  readonly sequence: number
  readonly atMs: number
  readonly ranges: readonly (readonly [from: string, to: string])[] | null
}
const LATELY = 'lately'

/** The oldest first. */
function latelyOf({ store }: ServedModule): readonly Lately[] {
  const bytes = store.value(LATELY)
  return bytes === null ? [] : (JSON.parse(utf8Of(bytes)) as Lately[])
}
function remember({ store }: ServedModule, lately: readonly Lately[]): void {
  const bytes = utf8Bytes(JSON.stringify(lately))
  if (Buffer.compare(store.value(LATELY) ?? EMPTY, bytes) === 0) return
  store.transaction(() => store.putValue(LATELY, bytes))
}

function withRanges(lately: Lately, files: readonly PublishedFile[]): Lately {
  if (lately.ranges !== null) return lately
  const own = files.filter(({ since }) => since === lately.sequence)
  return { ...lately, ranges: dividedReleases('', own).map(({ from, to }) => [from, to]) }
}
