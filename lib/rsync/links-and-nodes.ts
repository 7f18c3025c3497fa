/** What has no bytes: symbolic links, devices, FIFOs, sockets. Made, or as they stand. */
import type { ByteName } from '../base/byte-name.js'
import type { Standing } from '../host.js'
import { ITEM } from '../plan/iflags.js'
import type { AlreadyThere } from './already-there.js'
import { type Ground, newFlags } from './ground.js'
import type { Entry } from './request.js'

export class LinksAndNodes {
  readonly #ground: Ground
  readonly #there: AlreadyThere
  readonly #mayMakeDevices: boolean

  constructor(ground: Ground, there: AlreadyThere, mayMakeDevices: boolean) {
    this.#ground = ground
    this.#there = there
    this.#mayMakeDevices = mayMakeDevices
  }

  /** @returns it stands */
  consider(entry: Entry, name: ByteName, seen: Standing | null): boolean {
    const { to, options, events } = this.#ground
    const { kind } = entry.stands
    if (!this.#mayMake(entry)) return this.#ground.leave('not-wanted', entry, name)
    const same = seen?.kind === kind ? seen : null
    if (same !== null && this.#there.isSame(entry, to.tree, name, same)) {
      this.#there.unchanged(entry, name, same)
      return true
    }
    const found = seen === null ? this.#there.elsewhere(entry, name) : null
    const isExact = found?.match === 'exact'
    const taken = isExact ? this.#there.takeExact(entry, name, null, found) : null
    if (taken !== null) return taken
    const flags =
      same !== null
        ? ITEM.change | this.#ground.differences(entry, name, same, true)
        : isExact
          ? 0
          : (found?.flags ?? newFlags(entry)) | ITEM.change
    if (seen !== null && same === null && !this.#ground.makeWay(entry, name, seen)) return false
    if (!options.dryRun && !this.#make(entry, name, seen)) return false
    if (isExact) events.remark('uptodate', entry, name)
    this.#ground.item(entry, ITEM.local | flags, null)
    events.settled(entry)
    return true
  }
  #mayMake({ stands: { kind } }: Entry): boolean {
    if (kind === 'symlink') return true
    if (this.#ground.options.dropDevices) return false
    return this.#mayMakeDevices || kind === 'fifo' || kind === 'socket'
  }

  #make(entry: Entry, name: ByteName, seen: Standing | null): boolean {
    const { to, attributes, deleter } = this.#ground
    const { kind } = entry.stands
    const made = this.#ground.attempt(kind === 'symlink' ? 'symlink' : 'mknod', name, () => {
      const isSameKind = seen?.kind === kind
      if (isSameKind) deleter.keep(name, seen)
      const replaces = isSameKind && to.tree.stat(name) !== null
      if (kind === 'symlink') to.symlink(entry.target, name, replaces)
      else to.makeNode(entry.stands, name, replaces)
    })
    if (!made) return false
    // Without -p the mode of what it replaces stays, of whatever kind that was.
    const like = seen?.kind === 'directory' ? null : seen
    attributes.give(entry, to.tree, name, like, null)
    return true
  }
}
