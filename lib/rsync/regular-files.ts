/** Regular files: is it wanted, does it stand already, and what its bytes are asked with, a basis above all. */
import { type ByteName, baseOf, directoryOf, joinName } from '../base/byte-name.js'
import type { Standing } from '../host.js'
import { isDryOnWire, type Options } from '../options/options.js'
import { isKeptAsNewer } from '../plan/compare.js'
import { ITEM } from '../plan/iflags.js'
import type { AlreadyThere } from './already-there.js'
import type { Alternate } from './alternates.js'
import { chooseFuzzy } from './fuzzy.js'
import { type Ground, newFlags } from './ground.js'
import { partialOf } from './partial-place.js'
import type { Basis, Entry, Request, Transfer } from './request.js'

/** Under another name in the same directory. */
type Similar = { readonly name: ByteName; readonly seen: Standing }

export type Bringing = {
  readonly transfer: Transfer
  /** What an earlier try left of a file that stands. */
  readonly forgetPartial: (name: ByteName) => void
}

/** rsync(1) --max-size, --min-size. Only files have one that counts. */
export function outOfSize(
  { stands: { kind, size } }: Entry,
  { maxSize, minSize }: Options,
): 'too-large' | 'too-small' | null {
  if (kind !== 'file') return null
  if (maxSize !== null && size > maxSize) return 'too-large'
  return minSize !== null && size < minSize ? 'too-small' : null
}

export class RegularFiles {
  readonly #ground: Ground
  readonly #there: AlreadyThere
  readonly #bringing: Bringing

  constructor(ground: Ground, there: AlreadyThere, bringing: Bringing) {
    this.#ground = ground
    this.#there = there
    this.#bringing = bringing
  }

  /** @param done does it stand? Called once, later where its bytes are asked for */
  consider(
    entry: Entry,
    name: ByteName,
    seen: Standing | null,
    done: (stands: boolean) => void,
  ): void {
    const { options, events, to } = this.#ground
    const { size } = entry.stands
    const isDevice =
      seen !== null && options.writeDevices && (seen.kind === 'block' || seen.kind === 'character')
    const file = seen !== null && (seen.kind === 'file' || isDevice) ? seen : null
    const why = this.#unwanted(entry, file)
    if (why !== null) return done(this.#ground.leave(why, entry, name))
    if (seen !== null && file === null && !this.#ground.makeWay(entry, name, seen))
      return done(false)
    const found = this.#there.elsewhere(entry, name)
    if (found?.match === 'exact' && !isDevice) {
      const taken = this.#there.takeExact(entry, name, file, found)
      if (taken !== null) return done(taken)
    }
    if (file !== null && !isDevice && this.#there.isSame(entry, to.tree, name, file)) {
      this.#there.unchanged(entry, name, file)
      if (!options.dryRun)
        this.#ground.attempt('unlink', name, () => this.#bringing.forgetPartial(name))
      return done(true)
    }
    if (options.append !== 'no' && file !== null && file.size >= size) return done(false)
    if (file === null && found !== null && found.match !== 'kind') {
      // It is as new as its time says, where that is not kept.
      const iflags = ITEM.local | found.flags | (options.times ? 0 : ITEM.time)
      if (found.match === 'exact') events.remark('uptodate', entry, name)
      // Without -p its mode is the source's: only what came as a transfer takes after the other.
      return this.#bring(entry, found, { name, seen: null, like: null, iflags, basis: null }, done)
    }
    const wanted = this.#wanted(entry, name, file, isDevice, found)
    if (!this.#isKept(wanted)) return done(false)
    this.#bring(entry, entry.origin, wanted, done)
  }
  #unwanted(entry: Entry, file: Standing | null): 'too-large' | 'too-small' | 'newer' | null {
    const { options } = this.#ground
    const sized = outOfSize(entry, options)
    if (sized !== null || file === null || !options.update) return sized
    const { mtimeNs } = entry.stands
    return isKeptAsNewer(file.mtimeNs, mtimeNs, options.modifyWindow) ? 'newer' : null
  }

  /** What is asked of the sender. */
  #wanted(
    entry: Entry,
    name: ByteName,
    file: Standing | null,
    isDevice: boolean,
    found: Alternate | null,
  ): Omit<Request, 'entry' | 'announce'> {
    const { options, to, attributes } = this.#ground
    const seen = isDevice ? null : file
    const similar = seen === null && found === null ? this.#similar(entry, name) : null
    const basis = options.wholeFile === false ? this.#basisFor(name, seen, found, similar) : null
    const isUnread = basis !== null && !isDryOnWire(options) && !this.#isReadable(basis, true)
    const flags = isUnread ? newFlags(entry) : this.#flags(entry, name, file, found)
    const like = seen ?? (found ?? similar)?.seen ?? null
    // The mode of what stands there would stay without -p.
    const isLost =
      isUnread ||
      (seen !== null &&
        !attributes.keeping.perms &&
        !this.#isReadable({ tree: to.tree, name }, false))
    return {
      name,
      seen,
      like: isLost ? null : like,
      iflags: ITEM.transfer | flags,
      basis: isUnread ? null : basis,
    }
  }
  /** What cannot be read is no basis: then all of the file comes, as one that is new. */
  #isReadable({ tree, name }: Pick<Basis, 'tree' | 'name'>, isTold: boolean): boolean {
    try {
      tree.closeFile(tree.openFile(name))
      return true
    } catch (error) {
      if (isTold) this.#ground.events.unread(name, error)
      return false
    }
  }
  /** A backup of what will be written over. There is none where it comes as new. @returns false: it cannot be made */
  #isKept({ name, seen, basis }: Pick<Request, 'name' | 'seen' | 'basis'>): boolean {
    const { options, deleter } = this.#ground
    const isNew = seen === null || (basis === null && options.wholeFile === false)
    if (!options.inplace || !options.backup || options.dryRun || isNew) return true
    return this.#ground.attempt('make_backup', name, () => deleter.keepCopy(name, seen))
  }
  #flags(entry: Entry, name: ByteName, file: Standing | null, found: Alternate | null): number {
    const changed = this.#ground.options.checksum ? ITEM.change : 0
    if (file !== null) return this.#ground.differences(entry, name, file, true) | changed
    return (found === null ? newFlags(entry) : found.flags) | changed
  }

  /** @param origin where its bytes are, which may be a directory of --copy-dest */
  #bring(
    entry: Entry,
    origin: Entry['origin'],
    wanted: Omit<Request, 'entry' | 'announce'>,
    done: (stands: boolean) => void,
  ): void {
    const { options, events } = this.#ground
    const announce = (flags = wanted.iflags): void => this.#ground.item(entry, flags, null)
    const ended = (ok: boolean): void => {
      if (ok) events.settled(entry)
      done(ok)
    }
    if (isDryOnWire(options)) {
      announce()
      return ended(true)
    }
    // The same entry wherever it can be: who logs knows it again.
    const brought = origin === entry.origin ? entry : { ...entry, origin }
    this.#bringing.transfer({ ...wanted, entry: brought, announce }, ended)
  }

  /** A file that may have blocks of it. */
  #basisFor(
    name: ByteName,
    seen: Standing | null,
    found: Alternate | null,
    similar: Similar | null,
  ): Basis | null {
    const { options, to } = this.#ground
    const partial = options.partialDir === null ? null : partialOf(to, options.partialDir, name)
    if (partial !== null) return { ...partial, kind: 'partial' }
    if (seen !== null) return { tree: to.tree, name, kind: 'file' }
    if (found !== null)
      return { tree: found.tree, name: found.name, kind: { alternate: found.index } }
    return similar && { tree: to.tree, name: similar.name, kind: 'fuzzy' }
  }
  /** Looked for with --whole-file too: a new file has its mode without -p. */
  #similar(entry: Entry, name: ByteName): Similar | null {
    const { options, events } = this.#ground
    if (options.fuzzy === 0) return null
    const directory = directoryOf(name)
    const { size, mtimeNs } = entry.stands
    const seen = chooseFuzzy(baseOf(name), size, mtimeNs, this.#ground.listed(directory) ?? [])
    if (seen === null) return null
    const similar = joinName(directory, seen.base)
    events.trace.likened?.(name, similar)
    return { name: similar, seen }
  }
}
