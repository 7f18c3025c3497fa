/**
 * Where contents come from, cheapest first: the same content here, others here that it is made of, a basis and its sums,
 * peers, the centre.
 */
import type { ByteName } from '../base/byte-name.js'
import { codeOf, FileError, messageOf } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Outcome } from '../base/outcome.js'
import { lengthOf, openInBoth, wavesOf } from '../delta/assembly-plan.js'
import type { ContentId, Root } from '../hash/root.js'
import type { ContentSink, PartialContent } from '../host.js'
import type { HashPool } from '../io/hash-pool.js'
import { PartialFile, type Partials } from '../io/partial.js'
import type { Place } from '../io/places-by-root.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import type { Way } from '../plan/itemize.js'
import type { Recipe } from '../snapshot/recipe.js'
import type { Assembly, AssemblySource } from './assembly-source.js'
import type { DeltaSource } from './delta-source.js'
import { pathOf } from './index-tree.js'
import type { Materializer } from './materialize.js'
import type { Fetcher, Missing } from './missing.js'
import type { Job } from './pull-plan.js'
import type { PullReport } from './pull-report.js'
import type { Sources } from './pull-run.js'
import type { RecipeKeeping } from './recipe-keeping.js'

/** Recipes in memory at a time. */
const RECIPES_BYTES = 2 * LIMITS.recipeBytes
/** A basis is searched where more than this part of a content is missing. */
const BASIS_SHARE = 64

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
  readonly assembly: AssemblySource
  readonly recipes: RecipeKeeping
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
    const plain: Missing[] = []
    const images: Image[] = []
    for (const [root, same] of jobs) {
      signal.throwIfAborted()
      const [first] = same
      if (first?.entry.content == null || (await this.#clone(root, same))) continue
      const { content, since, recipe } = first.entry
      const missing = { content, since, name: first.name, ranges: [] }
      if (recipe === null) plain.push(missing)
      else images.push({ ...missing, recipe })
    }
    await this.#fetch(plain, jobs, signal)
    if (images.length > 0) await this.#bringImages(images, jobs, signal)
  }

  /** What others are part of, once these are here; the small ones first, as large ones may be made of them too. */
  async #bringImages(
    images: readonly Image[],
    jobs: ReadonlyMap<Root, readonly Job[]>,
    signal: AbortSignal,
  ): Promise<void> {
    const { assembly, materializer, recipes: keeping } = this.#parts
    const rising = [...images].sort((a, b) => a.content.length - b.content.length)
    for (const some of withinMemory(rising)) {
      const recipes = await assembly.recipes(some, signal)
      const sourcesOf = ({ content }: Missing): Root[] =>
        recipes.get(content.root)?.sources.map(({ root }) => root) ?? []
      for (const wave of wavesOf(some, ({ content }) => content.root, sourcesOf))
        await this.#bringWave(wave, recipes, jobs, signal)
      materializer.flushIndex()
      keeping.bind(some)
    }
    await assembly.judge(signal)
  }

  /** Put together as far as that goes, the rest fetched. */
  async #bringWave(
    images: readonly Image[],
    recipes: ReadonlyMap<Root, Recipe>,
    jobs: ReadonlyMap<Root, readonly Job[]>,
    signal: AbortSignal,
  ): Promise<void> {
    const { assembly, materializer, report } = this.#parts
    // What came so far can be taken from once the index knows it.
    materializer.flushIndex()
    const rest: Missing[] = []
    for (const image of images) {
      const recipe = recipes.get(image.content.root)
      const made = recipe === undefined ? null : await assembly.assemble(image, recipe, signal)
      report.bytes.assembled += made?.bytes ?? 0
      if (made !== null && made.missing.length === 0) this.#assembled(image.content, made, jobs)
      else rest.push({ ...image, ranges: made?.missing ?? [] })
    }
    await this.#fetch(rest, jobs, signal)
  }

  #assembled(
    content: ContentId,
    { file, leaves }: Assembly,
    jobs: ReadonlyMap<Root, readonly Job[]>,
  ): void {
    const { materializer } = this.#parts
    materializer.keepLeaves(content.root, leaves)
    const make = (job: Job): void => materializer.partial(job, file)
    this.#deliver(jobs.get(content.root) ?? [], content, make, 'local')
  }

  /** What stands nowhere here: from a basis as far as that helps, the rest over the network. */
  async #fetch(
    missing: readonly Missing[],
    jobs: ReadonlyMap<Root, readonly Job[]>,
    signal: AbortSignal,
  ): Promise<void> {
    if (missing.length === 0) return
    const { delta, fetcher } = this.#parts
    const isOpen = ({ ranges, content }: Missing): boolean =>
      ranges.length === 0 || lengthOf(ranges) * BASIS_SHARE > content.length
    const narrowed = await delta.narrow(missing.filter(isOpen), jobs, signal)
    const byRoot = new Map(narrowed.map((m) => [m.content.root, m.ranges]))
    const wanted = missing.map((m) => {
      const ranges = both(m.ranges, byRoot.get(m.content.root) ?? [])
      return ranges.length > 0 || m.ranges.length === 0
        ? { ...m, ranges }
        : { ...m, ranges: [{ offset: m.content.length - 1, length: 1 }] }
    })
    await fetcher(wanted, this.#sink(jobs), signal)
  }

  /** The same content under another name of this tree. */
  async #clone(root: Root, jobs: readonly Job[]): Promise<boolean> {
    for (const place of this.#parts.store.places.of(root)) {
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
          const wrong = this.#parts.assembly.settle(content.root, leaves)
          const { bytes } = this.#parts.report
          bytes.assembled = Math.max(0, bytes.assembled - wrong)
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

  /** The first name gets the bytes, the others a clone of it. @param way how the first one gets them */
  #deliver(
    jobs: readonly Job[],
    content: ContentId,
    make: (job: Job) => void,
    way: Way = 'received',
  ): void {
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
      this.#parts.done(job, from === null ? way : 'local')
      standing ??= job.name
    }
  }
}

/** A content that may be put together of others. */
type Image = Missing & { readonly recipe: ContentId }

/** Images whose recipes are no more than what may be in memory together, some at a time. */
function* withinMemory(images: readonly Image[]): Iterable<readonly Image[]> {
  let some: Image[] = []
  let bytes = 0
  for (const image of images) {
    // One that is larger than a recipe may be is not fetched.
    const own = Math.min(image.recipe.length, LIMITS.recipeBytes)
    if (bytes + own > RECIPES_BYTES) {
      yield some
      some = []
      bytes = 0
    }
    some.push(image)
    bytes += own
  }
  if (some.length > 0) yield some
}

/** What is missing by either, where nothing stands for all. */
function both(a: Missing['ranges'], b: Missing['ranges']): Missing['ranges'] {
  if (a.length === 0) return b
  return b.length === 0 ? a : openInBoth(a, b)
}
