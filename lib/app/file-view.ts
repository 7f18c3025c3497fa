/** A file or a directory as its status page shows it: who has it, and where its clients were sent. */
import { type ByteName, displayName, joinName, ROOT_NAME } from '../base/byte-name.js'
import { type Entry, sizeOf } from '../flist/entry.js'
import { rootHex } from '../hash/root.js'
import type { ViewParts } from './centre-view.js'
import { follow } from './followed.js'
import type { ServedModule } from './module.js'
import { encodePath } from './url-path.js'

export type FileView = {
  readonly module: string
  /** For people; `href` is exact. */
  readonly name: string
  /** Below the module, percent-encoded. */
  readonly href: string
  readonly kind: Entry['kind']
  readonly size: number
  /** In the snapshot of this sequence it came here; null: not a file. */
  readonly since: number | null
  /** Pieces root in hex; null: it is empty, or not a file. */
  readonly root: string | null
  /** Volunteers that report to have it. */
  readonly holders: readonly { readonly name: string; readonly state: string }[]
  /** Volunteers that report at all. */
  readonly reporting: number
  /** On volunteers with a quota; null: it came with nothing that is placed on them now. */
  readonly replicas: {
    readonly wanted: number
    /** Volunteers that were told to hold it. */
    readonly placed: number
    /** Those of them that report to have it. */
    readonly present: number
  } | null
  /** The latest first. */
  readonly decisions: readonly {
    readonly time: number
    readonly client: string
    readonly volunteer: string | null
    readonly reason: string
    readonly file: string
  }[]
  /** Of a directory: what is in it, with the number of its holders. */
  readonly entries: readonly FileRow[]
}
export type FileRow = {
  readonly name: string
  readonly href: string
  readonly kind: Entry['kind']
  readonly size: number
  readonly holders: number | null
}

const DECISIONS = 20
/** Entries of a directory that are shown. */
const ENTRIES = 1000

/** Null: no such file. */
export function fileView(parts: ViewParts, module: ServedModule, path: ByteName): FileView | null {
  const found = module.current === null ? null : follow(path, (name) => module.entry(name))
  if (found === null) return null
  const { entry, name } = found
  const isDirectory = entry.kind === 'directory'
  const at = `/${module.name}/${name}`
  const below = name === ROOT_NAME ? `/${module.name}/` : `${at}/`
  const reporting = parts.volunteers.volunteers.filter(({ report }) => report !== null)
  const holders = reporting
    .filter(({ slot }) => holdersOf(parts, module, name, entry)?.(slot) === true)
    .map(({ id, standing }) => ({ name: id, state: standing.state }))
  const list = isDirectory ? module.list(entry.page) : []
  return {
    module: module.name,
    name: name === ROOT_NAME ? '' : displayName(name),
    href: name === ROOT_NAME ? '' : encodePath(name),
    kind: entry.kind,
    size: sizeOf(entry),
    since: entry.kind === 'file' ? entry.since : null,
    root: entry.kind === 'file' && entry.content !== null ? rootHex(entry.content.root) : null,
    holders,
    reporting: reporting.length,
    replicas: replicasOf(parts, module, name, entry, holders),
    decisions: parts.deliveries
      .recent((each) => (isDirectory ? each.path.startsWith(below) : each.path === at), DECISIONS)
      .map(({ atMs, client, volunteer, reason, path: file }) => ({
        time: Math.floor(atMs / 1000),
        ...{ client, volunteer, reason, file: displayName(file) },
      })),
    entries: list.slice(0, ENTRIES).map((each) => {
      const own = joinName(name, each.base)
      const has = holdersOf(parts, module, own, each)
      return {
        name: displayName(each.base),
        href: encodePath(own),
        kind: each.kind,
        size: sizeOf(each),
        holders: has === null ? null : reporting.filter(({ slot }) => has(slot)).length,
      }
    }),
  }
}

function replicasOf(
  { placing }: ViewParts,
  { name: module }: ServedModule,
  name: ByteName,
  entry: Entry,
  holders: FileView['holders'],
): FileView['replicas'] {
  if (entry.kind !== 'file') return null
  const file = { name, since: entry.since, bytes: sizeOf(entry) }
  const replicas = placing.replicas(module, file)
  if (replicas === null) return null
  const told = new Set(replicas.told)
  const present = holders.filter((each) => told.has(each.name)).length
  return { wanted: replicas.wanted, placed: told.size, present }
}

/** Null: it has no content that somebody could hold. */
function holdersOf(
  { volunteers }: ViewParts,
  { name: module }: ServedModule,
  name: ByteName,
  entry: Entry,
): ((slot: number) => boolean) | null {
  if (entry.kind !== 'file' || entry.content === null) return null
  const { content, since } = entry
  return volunteers.holds({ module, name, content, since, isHere: true })
}
