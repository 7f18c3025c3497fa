/** Further names of a file that stands: each becomes a hard link to it, or is one. rsync(1) --hard-links. */
import type { ByteName } from '../base/byte-name.js'
import type { Standing } from '../host.js'
import { ITEM } from '../plan/iflags.js'
import type { AlreadyThere } from './already-there.js'
import type { Ground } from './ground.js'
import type { Entry } from './request.js'

export class FurtherNames {
  readonly #ground: Ground
  readonly #there: AlreadyThere

  constructor(ground: Ground, there: AlreadyThere) {
    this.#ground = ground
    this.#there = there
  }

  /** @param hasWaited rsync compares a link that had to wait, and was made, only with what is of its kind */
  link(
    entry: Entry,
    name: ByteName,
    seen: Standing | null,
    leader: ByteName,
    hasWaited: boolean,
  ): void {
    const { options, to, events } = this.#ground
    events.trace.linked?.(name, leader)
    const first = options.dryRun ? this.#wouldStand(entry, leader) : to.tree.stat(leader)
    if (seen !== null && first !== null && seen.ino === first.ino && seen.dev === first.dev) {
      const flags = this.#ground.differences(entry, name, seen, false)
      this.#ground.item(entry, ITEM.local | ITEM.xname | flags, null)
      events.remark('uptodate', entry, name)
      events.settled(entry)
      return
    }
    const same = seen?.kind === entry.stands.kind ? seen : null
    const found = seen === null ? this.#there.elsewhere(entry, name) : null
    const isExact = found?.match === 'exact'
    const isFile = entry.stands.kind === 'file'
    // Linked there too: with its leader it has become what it was.
    const isThere = isExact && this.#there.kind === 'link' && found.seen.ino === first?.ino
    const compared = hasWaited && !options.dryRun ? same : seen
    // ACLs and extended attributes come with the link: rsync tells them in a dry run alone.
    const toldBits = options.dryRun ? ~0 : ~(ITEM.acl | ITEM.xattr)
    const flags =
      compared !== null
        ? this.#ground.differences(entry, name, compared, true) & toldBits
        : isExact && isFile && this.#there.kind === 'copy'
          ? found.flags | (options.times ? 0 : ITEM.time)
          : ITEM.isNew
    if (seen !== null && same === null && !this.#ground.makeWay(entry, name, seen)) return
    if (!options.dryRun && !this.#make(name, same, leader)) return
    if (isThere) {
      events.remark('uptodate', entry, name)
      this.#ground.itemIfAll(entry, ITEM.local | ITEM.xname, leader)
    } else this.#ground.item(entry, ITEM.local | ITEM.xname | flags, leader)
    events.settled(entry)
  }
  #make(name: ByteName, same: Standing | null, leader: ByteName): boolean {
    const { to, deleter } = this.#ground
    return this.#ground.attempt('link', name, () => {
      if (same !== null) deleter.keep(name, same)
      to.link(to.tree, leader, name, same !== null && to.tree.stat(name) !== null)
    })
  }

  /** In a dry run: what would stand under a name that leads others, if it is here or in a directory of --link-dest. */
  #wouldStand(entry: Entry, leader: ByteName): Standing | null {
    const found = this.#there.elsewhere(entry, leader)
    return found?.match === 'exact' ? found.seen : (this.#ground.seen(leader) ?? null)
  }
}
