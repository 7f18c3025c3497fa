/**
 * The receiver's mind: for each entry of the list, what stands under its name, and what follows. Makes everything but the
 * bytes of files, which it asks of a Transfer. rsync(1); prsync-protocol(7), receiver-side file semantics.
 */
import type { ByteName } from '../base/byte-name.js'
import { isSafeLink } from '../flist/entry.js'
import type { FileKind, Standing } from '../host.js'
import type { Options } from '../options/options.js'
import { AlreadyThere, type EqualSums } from './already-there.js'
import { Directories } from './directories.js'
import { FurtherNames } from './further-names.js'
import { Ground, type GroundParts, type Place, type Remark } from './ground.js'
import { HardLinks } from './hard-links.js'
import { LinksAndNodes } from './links-and-nodes.js'
import { type Bringing, outOfSize, RegularFiles } from './regular-files.js'
import type { Entry } from './request.js'

export type GeneratorParts = GroundParts &
  Bringing & {
    readonly equalSums: EqualSums
    readonly mayMakeDevices: boolean
    readonly isRoot: boolean
  }

export class Generator {
  readonly #ground: Ground
  readonly #there: AlreadyThere
  readonly #directories: Directories
  readonly #regular: RegularFiles
  readonly #others: LinksAndNodes
  readonly #further: FurtherNames
  readonly #links = new HardLinks()

  constructor(parts: GeneratorParts) {
    this.#ground = new Ground(parts)
    this.#there = new AlreadyThere(this.#ground, parts.equalSums)
    this.#directories = new Directories(this.#ground, this.#there, parts.isRoot)
    this.#regular = new RegularFiles(this.#ground, this.#there, parts)
    this.#others = new LinksAndNodes(this.#ground, this.#there, parts.mayMakeDevices)
    this.#further = new FurtherNames(this.#ground, this.#there)
  }

  /** What stood nowhere, in a directory of --link-dest and the like neither. */
  get created(): Ground['created'] {
    return this.#ground.created
  }

  /** Members of each group of hard links in the list, or in a part of it that is still to be gone through. */
  expectLinks(counts: ReadonlyMap<string, number>): void {
    this.#links.expect(counts)
  }

  /** Into a directory of the list. @param entry null: it is none of the list's, and only gone through */
  enter(listed: ByteName, entry: Entry | null, above: Place | null): Place {
    return this.#directories.enter(listed, entry, above)
  }
  /** Out of it, when all in it stands. */
  leave(place: Place): void {
    this.#directories.leave(place)
  }

  /** An entry that is no directory. */
  file(entry: Entry, place: Place): void {
    const { events, options } = this.#ground
    const name = this.#ground.nameOf(entry.name)
    if (place.isSkipped) return this.#passed(entry)
    events.trace.considered?.(name)
    if (entry.isMissing) return this.#deleteMissing(name)
    // Of a file that is not wanted it does not matter what cannot be found out.
    const sized = outOfSize(entry, options)
    if (place.barred && sized === null)
      events.fault('recv_generator: failed to stat', name, place.barred)
    const { isNew } = place
    const seen = place.barred
      ? undefined
      : this.#ground.seen(name, { isNew, isQuiet: sized !== null })
    if (seen === undefined) {
      if (sized !== null) events.remark(sized, entry, name)
      return this.#passed(entry)
    }
    const why = unwanted(entry, seen, options)
    if (why !== null) {
      events.remark(why, entry, name)
      return this.#passed(entry)
    }
    if (seen === null) this.#ground.makeAbove(place)
    this.#consider(entry, name, seen)
  }
  #deleteMissing(name: ByteName): void {
    const { options, deleter } = this.#ground
    const seen = this.#ground.seen(name)
    if (seen === null || seen === undefined) return
    deleter.removeNamed(name, seen, options.force || options.deleting !== null)
  }

  #consider(entry: Entry, name: ByteName, seen: Standing | null): void {
    const { link } = entry
    if (link === null) return this.#bringOwn(entry, name, seen)
    if (this.#links.isAwaited(entry, this.#canLead(entry, name, seen))) {
      this.#ground.events.waits?.(entry, true)
      return
    }
    const leader = this.#links.leader(link)
    if (leader === null) this.#bringOwn(entry, name, seen)
    else this.#further.link(entry, name, seen, leader, false)
  }
  /** By itself, not as a link to another. */
  #bringOwn(entry: Entry, name: ByteName, seen: Standing | null): void {
    const done = (stands: boolean): void => {
      if (stands) this.#stands(entry, name)
      else this.#failed(entry)
    }
    if (entry.stands.kind === 'file') this.#regular.consider(entry, name, seen, done)
    else done(this.#others.consider(entry, name, seen))
  }

  // ---- several names of a file -------------------------------------------------------------------

  /** Something of it is there already, so that others can be linked to it; or it needs nothing of the sender. */
  #canLead(entry: Entry, name: ByteName, seen: Standing | null): boolean {
    if (entry.stands.kind !== 'file') return true
    return seen?.kind === entry.stands.kind || this.#there.elsewhere(entry, name) !== null
  }
  /** The first of them: the others become links to it. */
  #stands({ link }: Entry, name: ByteName): void {
    if (link === null) return
    for (const { entry: waiting, wasBusy } of this.#links.stands(link, name)) {
      const other = this.#ground.nameOf(waiting.name)
      const seen = this.#ground.seen(other)
      if (seen !== undefined) this.#further.link(waiting, other, seen, name, !wasBusy)
      this.#ground.events.waits?.(waiting, false)
    }
  }
  /** It did not come, and will not: the next of its names is tried. */
  #failed({ link }: Entry): void {
    this.#instead(link === null ? null : this.#links.failed(link))
  }
  /** Nothing is done with it; those that waited for it need not. */
  #passed({ link }: Entry): void {
    this.#instead(link === null ? null : this.#links.passed(link))
  }
  #instead(next: Entry | null): void {
    if (next === null) return
    this.#alone(next)
    this.#ground.events.waits?.(next, false)
  }
  #alone(entry: Entry): void {
    const name = this.#ground.nameOf(entry.name)
    const seen = this.#ground.seen(name)
    if (seen === undefined) this.#failed(entry)
    else this.#bringOwn(entry, name, seen)
  }

  /** At the end: members of link groups that never met one that stood. */
  finishLinks(): void {
    for (const entry of this.#links.left()) {
      this.#alone({ ...entry, link: null })
      this.#ground.events.waits?.(entry, false)
    }
  }
}

/** Why nothing is to be done with an entry, whatever it is like; null: it is wanted. */
function unwanted(entry: Entry, seen: Standing | null, options: Options): Remark | null {
  const { kind } = entry.stands
  if (kind === 'symlink' && options.links && options.safeLinks && !isSafe(entry)) return 'unsafe'
  if (seen === null && options.existing) return 'not-creating'
  if (seen !== null && options.ignoreExisting) return 'exists'
  return isWanted(kind, options) ? null : 'not-wanted'
}
/** Kinds that no option asks for stay as they are. */
function isWanted(kind: FileKind, { links, devices, specials }: Options): boolean {
  if (kind === 'symlink') return links
  if (kind === 'character' || kind === 'block') return devices
  return kind === 'file' || specials
}
/** rsync(1) --safe-links: judged by the link's place in the transfer. */
function isSafe(entry: Entry): boolean {
  return isSafeLink(entry.target, entry.name.split('/').length - 1)
}
