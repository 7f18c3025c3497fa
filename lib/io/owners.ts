/** Numbers and names of users and groups, looked up once each. rsync(1) --numeric-ids: names first, where they exist. */
import type { Entry, Owner } from '../flist/entry.js'
import { libc } from './libc.js'

/** A name as it was looked up, and the number it has here. */
export type OwnerLookup = {
  readonly kind: 'user' | 'group'
  readonly owner: Owner
  readonly local: number
}

/** What to pass to chown for an entry; -1 leaves it. */
export class Owners {
  readonly #numeric: boolean
  readonly #isRoot = process.geteuid?.() === 0
  readonly #groups = new Set([process.getegid?.(), ...(process.getgroups?.() ?? [])])
  readonly #uids = new Map<string, number>()
  readonly #gids = new Map<string, number>()
  readonly #users = new Map<number, Owner>()
  readonly #groupNames = new Map<number, Owner>()
  /** Each name once, in the order of asking: while all have these numbers, every entry gets the owner it got. */
  readonly lookups: OwnerLookup[] = []

  constructor(numeric = false) {
    this.#numeric = numeric
  }

  /** Only root gives files away; others set the groups they are in, as rsync does. */
  wanted(entry: Pick<Entry, 'user' | 'group'>): { uid: number; gid: number } {
    const uid = this.#isRoot ? this.#local('user', entry.user) : -1
    const gid = this.#local('group', entry.group)
    return { uid, gid: this.#isRoot || this.#groups.has(gid) ? gid : -1 }
  }

  /** Who we are: it decides which owners can be set. */
  get identity(): string {
    return `${this.#isRoot ? 'root' : 'user'} ${[...this.#groups].join()}`
  }

  /** Looks names up that another run looked up. */
  lookUp(before: readonly OwnerLookup[]): void {
    if (this.#numeric) this.lookups.push(...before)
    else for (const { kind, owner } of before) this.#local(kind, owner)
  }

  user(uid: number): Owner {
    return this.#named(uid, this.#users, (id) => libc().userName(id))
  }
  group(gid: number): Owner {
    return this.#named(gid, this.#groupNames, (id) => libc().groupName(id))
  }

  #local(kind: OwnerLookup['kind'], owner: Owner): number {
    if (this.#numeric || owner.name === null || owner.id === 0) return owner.id
    const known = kind === 'user' ? this.#uids : this.#gids
    const before = known.get(owner.name)
    if (before !== undefined) return before
    const found = kind === 'user' ? libc().userId(owner.name) : libc().groupId(owner.name)
    const local = found ?? owner.id
    known.set(owner.name, local)
    this.lookups.push({ kind, owner, local })
    return local
  }

  #named(id: number, known: Map<number, Owner>, find: (id: number) => string | null): Owner {
    const before = known.get(id)
    if (before !== undefined) return before
    const owner = { id, name: find(id) }
    known.set(id, owner)
    return owner
  }
}
