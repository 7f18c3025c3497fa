/** The trees that a recorded session was made with: what its sender had, and what stood at its receiver before. */
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { type ByteName, ROOT_NAME } from '../../lib/base/byte-name.js'
import type { Entry } from '../../lib/flist/entry.js'
import { applyAttributes } from '../../lib/io/entry-attributes.js'
import { Owners } from '../../lib/io/owners.js'
import { DiskTree } from '../../lib/io/tree.js'
import { ITEM } from '../../lib/plan/iflags.js'
import type { WireEntry } from '../../lib/wire/file-entry.js'
import { BASIS_OF_DELTA } from './recordings.js'
import type { RecordedSession } from './rsync-session.js'

/** Of the tree of the `t2-*`, where a session does not show them. */
const CONTENTS: ReadonlyMap<string, Uint8Array> = new Map([
  ['d/h1', Buffer.from('hard')],
  ['d/h2', Buffer.from('hard')],
  ['d/e/h3', Buffer.from('hard')],
])

/** Files of the session, by name: what it showed of them, or what is known of them from others; zeros where nobody asks. */
export function contentsOf(
  session: RecordedSession,
  known: ReadonlyMap<string, Uint8Array> = CONTENTS,
): ReadonlyMap<string, Uint8Array> {
  const shown = new Map(
    session.answers.flatMap(({ name, bytes }) => (bytes === null ? [] : [[name, bytes] as const])),
  )
  const of = ({ name, stands }: WireEntry): Uint8Array => {
    const bytes = shown.get(name) ?? known.get(name)
    return bytes?.length === stands.size ? bytes : new Uint8Array(stands.size)
  }
  return new Map(entriesOf(session).map((entry) => [entry.name, of(entry)]))
}
function entriesOf({ lists }: RecordedSession): WireEntry[] {
  return lists
    .flat()
    .filter(({ stands }) => stands.kind !== 'directory')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

export function makeSource(
  top: string,
  session: RecordedSession,
  contents: ReadonlyMap<string, Uint8Array>,
): void {
  const made = new RecordedTree(top, contents)
  const { links } = session.options
  for (const entry of allOf(session)) made.add(entry, links ? entry.link : null)
  made.close()
}

/** As the receiver's words about each entry have it: there, there with another time or other bytes, or not there. */
export function makeDestination(
  top: string,
  session: RecordedSession,
  contents: ReadonlyMap<string, Uint8Array>,
): void {
  const made = new RecordedTree(top, contents)
  for (const entry of allOf(session)) {
    const iflags = flagsOf(session, entry)
    if ((iflags & ITEM.isNew) !== 0) continue
    made.add((iflags & ITEM.time) === 0 ? entry : earlier(entry), null)
    if ((iflags & ITEM.size) !== 0) made.write(entry.name, BASIS_OF_DELTA)
  }
  if (hasDeleted(session)) {
    made.write('extra' as ByteName, new Uint8Array(0))
    mkdirSync(`${top}/xdir`)
  }
  made.close()
}
function hasDeleted({ generator: { data, units } }: RecordedSession): boolean {
  const told = units.find(({ what }) => what === 'deletions')
  return told !== undefined && data.subarray(told.to - 5, told.to).some((count) => count > 0)
}
/** What the receiver said of it; 0: nothing. */
function flagsOf(session: RecordedSession, { name, stands }: WireEntry): number {
  const { protocol } = session.terms
  const number = session.numbers.get(name)
  const answer = session.answers.find((one) => one.number === number)
  if (answer !== undefined && protocol >= 29) return answer.iflags
  if (protocol >= 29) return 0
  // Receivers of before say nothing but what they want.
  if (name === 'delta') return ITEM.size | ITEM.time
  return name === ROOT_NAME && stands.kind === 'directory' ? ITEM.time : ITEM.isNew
}
function earlier(entry: WireEntry): WireEntry {
  return { ...entry, stands: { ...entry.stands, mtimeNs: 1_000_000_000_000_000_000n } }
}

function allOf({ lists }: RecordedSession): WireEntry[] {
  // A directory before what is in it.
  return lists.flat().sort((a, b) => (a.name < b.name ? -1 : 1))
}

class RecordedTree {
  readonly #top: string
  readonly #tree: DiskTree
  readonly #contents: ReadonlyMap<string, Uint8Array>
  readonly #first = new Map<string, ByteName>()
  readonly #made: WireEntry[] = []

  constructor(top: string, contents: ReadonlyMap<string, Uint8Array>) {
    mkdirSync(top, { recursive: true })
    this.#top = top
    this.#contents = contents
    this.#tree = new DiskTree(top)
  }

  write(name: ByteName, bytes: Uint8Array): void {
    writeFileSync(`${this.#top}/${name}`, bytes)
  }
  add(entry: WireEntry, link: string | null): void {
    const { name, stands, target } = entry
    const path = `${this.#top}/${name}`
    const first = link === null ? undefined : this.#first.get(link)
    this.#made.push(entry)
    if (first !== undefined) return linkSync(`${this.#top}/${first}`, path)
    if (link !== null) this.#first.set(link, name)
    switch (stands.kind) {
      case 'directory':
        mkdirSync(path, { recursive: true })
        return
      case 'symlink':
        return symlinkSync(target, path)
      case 'file':
        return this.write(name, this.#contents.get(name) ?? new Uint8Array(stands.size))
      default:
        this.#tree.makeNode(stands as unknown as Entry, name)
    }
  }
  /** Attributes at last, of what is inside first. */
  close(): void {
    const owners = new Owners(true)
    for (const { name, stands, mode, xattrs, atimeNs } of this.#made.reverse()) {
      const { uid, gid, kind, mtimeNs } = stands
      const values = xattrs.map((x) => ({ name: x.name, value: x.value ?? LONG_VALUE }))
      const wanted = { kind, mode, mtimeNs, xattrs: values } as unknown as Entry
      const user = { id: uid, name: null }
      const group = { id: gid, name: null }
      applyAttributes(
        this.#tree,
        name,
        { ...wanted, user, group },
        { owners, xattrs: values.length > 0 },
      )
      if (atimeNs > 0n)
        execFileSync('touch', ['-ahd', `@${atimeNs / 1_000_000_000n}`, `${this.#top}/${name}`])
    }
    this.#tree.close()
  }
}

/** Of `user.long`, which goes over the wire as its digest until it is asked for. */
const LONG_VALUE = 'x'.repeat(100)
