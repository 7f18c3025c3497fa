/** All modules of a centre and their publishers: one look at the trees at a time, whoever asks for it. */
import { ROOT_NAME } from '../base/byte-name.js'
import { FileError, messageOf, PrsyncError } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import type { KeyPair } from '../hash/ed25519.js'
import type { Clock, Log } from '../host.js'
import { HashPool } from '../io/hash-pool.js'
import { Store } from '../io/store.js'
import { DiskTree } from '../io/tree.js'
import type { Head } from '../snapshot/head.js'
import { ServedModule } from './module.js'
import { Publisher } from './publish.js'
import { Selection } from './selection.js'
import { settledUnder } from './settle.js'

export type PublishingParts = {
  readonly modules: readonly { readonly name: string; readonly directory: string }[]
  readonly state: string
  readonly keys: KeyPair
  /** Patterns of what is published and what not; both empty: everything. */
  readonly publish: readonly string[]
  readonly ignore: readonly string[]
  readonly xattrs: boolean
  /** Contents of so many bytes are looked through for others; null: none are. */
  readonly assembleMin: number | null
  readonly clock: Clock
  readonly log: Log
  readonly events: PublishEvents
}

export type PublishEvents = {
  hashing(module: string, files: number, bytes: number): void
  published(module: string, head: Head, changed: boolean, outcome: Outcome): void
  failed(module: string, what: string): void
}

/** What one look found. */
export type Published = {
  readonly module: string
  readonly sequence: number
  readonly changed: boolean
  /** Files that are not in it as they stand. */
  readonly faults: number
  /** Why it could not be published; null: it was, or nothing changed. */
  readonly failed: string | null
}

type Served = {
  readonly module: ServedModule
  readonly publisher: Publisher
  readonly selection: Selection
  readonly tree: DiskTree
}

export class Publishing {
  readonly #parts: PublishingParts
  readonly #pool = new HashPool()
  readonly #served = new Map<string, Served>()
  readonly #modules = new Map<string, ServedModule>()
  #running: Promise<unknown> = Promise.resolve()
  /** The look that has not begun yet: who asks now gets this one. */
  #next: Promise<readonly Published[]> | null = null
  /** Somebody who asks for the look that has not begun knows that a tree is empty. */
  #mayBeEmpty = false
  readonly #closing = new AbortController()

  private constructor(parts: PublishingParts) {
    this.#parts = parts
  }

  /** @throws {FileError} where a directory is not there, {StartupError} where the state cannot be used; nothing stays open then. */
  static async open(parts: PublishingParts): Promise<Publishing> {
    const publishing = new Publishing(parts)
    try {
      for (const { name, directory } of parts.modules) publishing.#add(name, directory)
      return publishing
    } catch (error) {
      await publishing.close()
      throw error
    }
  }

  get modules(): ReadonlyMap<string, ServedModule> {
    return this.#modules
  }

  /**
   * Looks at all trees, after a look that runs; whatever changed before this call is published when it settles.
   * @param mayBeEmpty a tree in which nothing is left too, whose disk may not be mounted
   */
  now(signal: AbortSignal, mayBeEmpty = false): Promise<readonly Published[]> {
    this.#mayBeEmpty ||= mayBeEmpty
    if (this.#next !== null) return this.#next
    const next = this.#running.then(() => {
      this.#next = null
      return this.#look(signal)
    })
    this.#next = next
    // Who asked for it hears of what went wrong.
    this.#running = next.then(() => this.#again(this.#closing.signal)).catch(() => {})
    return next
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
    for (const { module } of this.#served.values()) await module.close()
    await this.#pool.close()
  }

  #add(name: string, directory: string): void {
    const { state, publish, ignore, keys, xattrs, assembleMin, clock, log, events } = this.#parts
    const tree = openTree(directory, xattrs)
    const pool = this.#pool
    const store = openStore(`${state}/modules/${name}`, tree)
    const module = new ServedModule(name, tree, store, pool)
    const selection = new Selection(directory, publish, ignore)
    const { select } = selection
    const progress = (files: number, bytes: number): void => events.hashing(name, files, bytes)
    const under = publish.length + ignore.length > 0 ? null : settledUnder(['centre', xattrs])
    const options = {
      module: name,
      tree,
      store,
      pool,
      recipes: pool.recipes,
      assembleMin,
      keys,
      select,
      under,
      xattrs,
      clock,
      log,
      progress,
    }
    this.#modules.set(name, module)
    this.#served.set(name, { module, selection, tree, publisher: new Publisher(options) })
  }

  async #look(signal: AbortSignal): Promise<readonly Published[]> {
    const found: Published[] = []
    const mayBeEmpty = this.#mayBeEmpty
    this.#mayBeEmpty = false
    for (const served of this.#served.values()) {
      signal.throwIfAborted()
      found.push(await this.#publish(served, mayBeEmpty, signal))
    }
    return found
  }

  /** Images whose parts came after them, until somebody wants the trees looked at: who does waits for one of them at most. */
  async #again(signal: AbortSignal): Promise<void> {
    let isFound = false
    try {
      for (const { publisher } of this.#served.values())
        while (this.#next === null) {
          const one = await publisher.again(signal, () => this.#next !== null)
          if (one === null) break
          isFound ||= one
        }
    } catch (error) {
      if (!signal.aborted) this.#parts.log('recipes.failed', { what: messageOf(error) })
    }
    // A look that waits will publish it.
    if (isFound && this.#next === null) await this.#look(signal)
  }

  async #publish(
    { module, publisher, selection, tree }: Served,
    mayBeEmpty: boolean,
    signal: AbortSignal,
  ): Promise<Published> {
    const { name } = module
    const { events } = this.#parts
    try {
      tree.followPath()
      if (!mayBeEmpty && (module.current?.head.files ?? 0) > 0) expectNames(tree)
      await selection.look()
      const { snapshot, changed, outcome } = await publisher.publish(module.current, signal)
      if (changed) module.flip(snapshot)
      const { head } = snapshot
      events.published(name, head, changed, outcome)
      const faults = outcome.faultCount
      return { module: name, sequence: head.sequence, changed, faults, failed: null }
    } catch (error) {
      // A tree that cannot be read now is served as it was; without a snapshot there is nothing to serve.
      if (signal.aborted || !(error instanceof PrsyncError) || module.current === null) throw error
      const failed = messageOf(error)
      events.failed(name, failed)
      const { sequence } = module.current.head
      return { module: name, sequence, changed: false, faults: 0, failed }
    }
  }
}

/** Nodes that delete would lose all they have. @throws {FileError} where nothing stands in it */
function expectNames(tree: DiskTree): void {
  if (tree.list(ROOT_NAME)?.every(({ base }) => base === 'lost+found') === true)
    throw new FileError(
      `${tree.path} is empty: is its disk mounted? (prsync publish --empty publishes it)`,
    )
}

function openTree(directory: string, xattrs: boolean): DiskTree {
  const tree = new DiskTree(directory)
  try {
    if (xattrs) tree.needXattrs()
    return tree
  } catch (error) {
    tree.close()
    throw error
  }
}

function openStore(path: string, tree: DiskTree): Store {
  try {
    return new Store(path)
  } catch (error) {
    tree.close()
    throw error
  }
}
