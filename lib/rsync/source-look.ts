/** What stands at a source, as the options that follow links, change modes or leave names out have it. rsync(1) SYMBOLIC LINKS. */
import type { ByteName } from '../base/byte-name.js'
import type { Trace } from '../base/trace.js'
import type { Chmod } from '../flist/chmod.js'
import { isSafeLink } from '../flist/entry.js'
import { isDirectory, MUNGED, type Origin } from '../flist/list-entry.js'
import type { Standing } from '../host.js'
import { pathOf, type SourceEntry } from './source-node.js'
import type { SourceTree } from './trees.js'

/** What decides which entries there are, and how they look. */
export type SourceRules = {
  readonly recursive: boolean
  readonly dirs: boolean
  readonly links: boolean
  readonly copyLinks: boolean
  readonly copyUnsafeLinks: boolean
  readonly safeLinks: boolean
  readonly copyDirlinks: boolean
  readonly mungeLinks: boolean
  /** A device as the file that is sent in its place; null: devices stay what they are. */
  readonly copyDevices: ((device: Standing) => Standing) | null
  readonly hardLinks: boolean
  readonly atimes: boolean
  readonly oneFileSystem: number
  readonly incRecursive: boolean
  readonly chmod: Chmod | null
  /** With --iconv: which side has no such name; null: both have. */
  readonly lacking: ((text: string) => 'sender' | 'receiver' | null) | null
  /** What may not be known of; null: nothing. @param isNamed it was asked for, not found in a directory */
  readonly isHidden: ((origin: Origin<SourceTree>, isNamed: boolean) => boolean) | null
}

export type SourceEvents = {
  readonly trace: Trace
  /** Something cannot be read: exit status 23, and nothing is deleted; or it went away: 24. */
  fault(call: string, path: string, error: unknown): void
  /** A directory went away before what is in it was known: exit status 24. */
  vanished(path: string): void
  /** A directory above a name that is to go is not there: exit status 24. */
  absentAbove(path: string): void
  /** A name is left out. @param text a link's path; of what is lost in another charset, the side */
  skipped(
    what: 'directory' | 'no-target' | 'mount' | 'name-lost' | 'target-lost',
    name: ByteName,
    text: string,
  ): void
  /** A link that leads out of the tree is sent as what it leads to. */
  copiesUnsafe(name: ByteName, target: string): void
}

export class SourceLook {
  readonly #rules: SourceRules
  readonly #events: SourceEvents
  /** What stands there and cannot be looked at; it was told. */
  faults = 0

  constructor(rules: SourceRules, events: SourceEvents) {
    this.#rules = rules
    this.#events = events
  }

  /** By its own name, or by that of what it leads to. */
  isHidden(own: Origin<SourceTree>, from: Origin<SourceTree>, isNamed: boolean): boolean {
    const { isHidden } = this.#rules
    if (isHidden === null) return false
    return isHidden(own, isNamed) || (from !== own && isHidden(from, isNamed))
  }
  stat(name: ByteName, origin: Origin<SourceTree>): Standing | null {
    const stands = this.own(origin)
    return stands === null ? null : this.through(name, origin, stands)
  }
  own(origin: Origin<SourceTree>): Standing | null {
    try {
      return origin.tree.stat(origin.name)
    } catch (error) {
      this.faults++
      this.#events.fault('link_stat', pathOf(origin), error)
      return null
    }
  }
  follow(origin: Origin<SourceTree>): Standing | null {
    try {
      return origin.tree.statFollowing(origin.name)
    } catch {
      // Then what stands there itself is taken, and says why.
      return null
    }
  }

  /** What an option looks at instead of a link; null: the link leads to nothing. @param name in the transfer */
  through(name: ByteName, origin: Origin<SourceTree>, stands: Standing): Standing | null {
    if (stands.kind !== 'symlink') return stands
    const { copyLinks, copyUnsafeLinks, copyDirlinks } = this.#rules
    if (!copyLinks && !copyUnsafeLinks && !copyDirlinks) return stands
    const target = this.follow(origin)
    const isDirectory = copyDirlinks && target?.kind === 'directory'
    if (!copyLinks && !isDirectory) {
      if (!copyUnsafeLinks) return stands
      const text = origin.tree.readlink(origin.name)
      if (isSafeLink(text, origin.name.split('/').length - 1)) return stands
      this.#events.copiesUnsafe(name, text)
    }
    return target === null ? null : { ...target, base: stands.base }
  }

  /** Null for what the options leave out. */
  entry(
    name: ByteName,
    origin: Origin<SourceTree>,
    stands: Standing,
    isBare: boolean,
  ): SourceEntry | null {
    const rules = this.#rules
    const lost = rules.lacking?.(name) ?? null
    if (lost !== null) {
      this.#events.skipped('name-lost', name, lost)
      return null
    }
    // Reading a link is a use of it.
    const atimeNs = rules.atimes && !isDirectory({ stands }) ? origin.tree.atimeNs(origin.name) : 0n
    let target = ''
    if (stands.kind === 'symlink' && rules.links) {
      try {
        target = origin.tree.readlink(origin.name)
      } catch (error) {
        this.#events.fault('readlink_stat', pathOf(origin), error)
        return null
      }
      if (rules.mungeLinks && target.startsWith(MUNGED)) target = target.slice(MUNGED.length)
      const targetLost = rules.lacking?.(target) ?? null
      if (targetLost !== null) {
        this.#events.skipped('target-lost', pathOf(origin) as ByteName, targetLost)
        return null
      }
    }
    const isDevice = stands.kind === 'block' || stands.kind === 'character'
    this.#events.trace.listed?.(name)
    const { chmod, hardLinks } = rules
    const isLinked = hardLinks && stands.nlink > 1 && stands.kind !== 'directory'
    return {
      name,
      stands: isDevice && rules.copyDevices !== null ? rules.copyDevices(stands) : stands,
      mode:
        chmod === null || stands.kind === 'symlink'
          ? stands.mode
          : chmod(stands.mode, stands.kind === 'directory'),
      target,
      atimeNs,
      origin,
      link: isLinked ? `${stands.dev}:${stands.ino}` : null,
      isBare,
      isImplied: false,
      isMissing: false,
    }
  }
}
