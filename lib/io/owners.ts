/** Numbers and names of users and groups, looked up once each. rsync(1) --numeric-ids: names first, where they exist. */
import type { Entry, Owner } from '../flist/entry.js'
import { libc } from './libc.js'

/** What to pass to chown for an entry; -1 leaves it. */
export class Owners {
  readonly #numeric: boolean
  readonly #isRoot = process.geteuid?.() === 0
  readonly #groups = new Set([process.getegid?.(), ...(process.getgroups?.() ?? [])])
  readonly #uids = new Map<string, number>()
  readonly #gids = new Map<string, number>()
  readonly #users = new Map<number, Owner>()
  readonly #groupNames = new Map<number, Owner>()

  constructor(numeric = false) {
    this.#numeric = numeric
  }

  /** Only root gives files away; others set the groups they are in, as rsync does. */
  wanted(entry: Pick<Entry, 'user' | 'group'>): { uid: number; gid: number } {
    const uid = this.#isRoot ? this.#local(entry.user, this.#uids, (n) => libc().userId(n)) : -1
    const gid = this.#local(entry.group, this.#gids, (n) => libc().groupId(n))
    return { uid, gid: this.#isRoot || this.#groups.has(gid) ? gid : -1 }
  }

  user(uid: number): Owner {
    return this.#named(uid, this.#users, (id) => libc().userName(id))
  }
  group(gid: number): Owner {
    return this.#named(gid, this.#groupNames, (id) => libc().groupName(id))
  }

  #local(owner: Owner, known: Map<string, number>, find: (name: string) => number | null): number {
    if (this.#numeric || owner.name === null || owner.id === 0) return owner.id
    const before = known.get(owner.name)
    if (before !== undefined) return before
    const id = find(owner.name) ?? owner.id
    known.set(owner.name, id)
    return id
  }

  #named(id: number, known: Map<number, Owner>, find: (id: number) => string | null): Owner {
    const before = known.get(id)
    if (before !== undefined) return before
    const owner = { id, name: find(id) }
    known.set(id, owner)
    return owner
  }
}
