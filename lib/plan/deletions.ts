/**
 * What stands and is not wanted → what is removed, in rsync's order, and what is left standing and why.
 * rsync(1) --delete, --max-delete, FILTER RULES WHEN DELETING. Decides only; the tree is asked, never changed.
 */
import { type ByteName, compareNames, joinName } from '../base/byte-name.js'
import { UsageError } from '../base/errors.js'
import type { Filter } from '../flist/filter-match.js'
import type { Named } from '../host.js'

export type Deletion = { readonly name: ByteName; readonly standing: Named }

/** What goes, and with a directory what is in it. */
export type Doomed = Deletion & { readonly inside: Sweep | null }
/** A directory looked through, in the order in which things go. */
export type Sweep = {
  readonly doomed: readonly Doomed[]
  /** What stays: nothing, what a filter protects, or what cannot be known since it cannot be read. */
  readonly stays: 'nothing' | 'protected' | 'unread'
}

export type DeletionPlan = {
  /** In this order: what is in a directory before the directory. */
  readonly remove: readonly Deletion[]
  /** Directories that would go but hold what a filter protects. */
  readonly nonEmpty: readonly ByteName[]
}

/** What the plan looks into: a directory's entries, which may lack those that are wanted, or null where it cannot be read. */
export type ListDirectory = (
  directory: ByteName,
  wanted: ReadonlySet<string>,
) => readonly Named[] | null

type FilterWalk = Pick<Filter, 'excludes' | 'enter' | 'leave'>

/**
 * What goes from one directory. `filter` is the receiver's and stands in that directory.
 * @param wanted last components of what the source has there @param isDying the directory itself is to go
 */
export function sweep(
  directory: ByteName,
  wanted: ReadonlySet<string>,
  filter: FilterWalk,
  list: ListDirectory,
  isDying = false,
): Sweep {
  const entries = list(directory, wanted)
  if (entries === null) return { doomed: [], stays: 'unread' }
  const doomed: Doomed[] = []
  let stays: Sweep['stays'] = 'nothing'
  for (const standing of [...entries].sort(lastFirst)) {
    if (wanted.has(standing.base)) continue
    const name = joinName(directory, standing.base)
    const isDirectory = standing.kind === 'directory'
    if (filter.excludes(name, isDirectory, isDying)) stays = 'protected'
    else doomed.push({ name, standing, inside: isDirectory ? sweepAll(name, filter, list) : null })
  }
  return { doomed, stays }
}
/** The same of a directory that goes as a whole, and that `filter` does not stand in yet. */
export function sweepAll(directory: ByteName, filter: FilterWalk, list: ListDirectory): Sweep {
  filter.enter(directory)
  const inside = sweep(directory, NOTHING, filter, list, true)
  filter.leave()
  return inside
}

/** The same as steps, where nothing goes wrong; what cannot be read stays. */
export function planDeletions(
  directory: ByteName,
  wanted: ReadonlySet<string>,
  filter: FilterWalk,
  list: ListDirectory,
): DeletionPlan {
  const remove: Deletion[] = []
  const nonEmpty: ByteName[] = []
  const take = ({ name, standing, inside }: Doomed): boolean => {
    const goes = inside === null || takeAll(inside)
    if (goes) remove.push({ name, standing })
    else nonEmpty.push(name)
    return goes
  }
  const takeAll = ({ doomed, stays }: Sweep): boolean =>
    doomed.reduce((all, one) => take(one) && all, stays === 'nothing')
  takeAll(sweep(directory, wanted, filter, list))
  return { remove, nonEmpty }
}
const NOTHING: ReadonlySet<string> = new Set()

/** rsync's lists have files before directories, by name; it deletes from their end. */
function lastFirst(a: Named, b: Named): number {
  const directories = Number(b.kind === 'directory') - Number(a.kind === 'directory')
  return directories !== 0 ? directories : compareNames(b.base, a.base)
}

export type MaxDelete =
  | { readonly kind: 'count'; readonly count: number }
  /** Of all that stands in the tree. */
  | { readonly kind: 'percent'; readonly percent: number }

/** `N`, where less than 0 is 0 as in rsync, or `N%`. @throws {UsageError} */
export function parseMaxDelete(text: string): MaxDelete {
  const match = /^(-?\d{1,15})(%?)$/.exec(text)
  const value = Math.max(0, Number(match?.[1] ?? Number.NaN))
  if (Number.isNaN(value) || (match?.[2] === '%' && value > 100))
    throw new UsageError(`--max-delete=${text}: not a number, nor a percentage`)
  return match?.[2] === '%' ? { kind: 'percent', percent: value } : { kind: 'count', count: value }
}

/** How many may go. @param standing entries in the whole tree */
export function deletionsAllowed(max: MaxDelete | null, standing: number): number {
  if (max === null) return Number.POSITIVE_INFINITY
  return max.kind === 'count' ? max.count : Math.floor((standing * max.percent) / 100)
}

export type CappedDeletions = {
  readonly remove: readonly Deletion[]
  /** Left standing because of the limit. */
  readonly refused: readonly Deletion[]
}

/** The first `allowed` go, the rest stays: directories come after what is in them, so none of these loses its reason. */
export function capDeletions(all: readonly Deletion[], allowed: number): CappedDeletions {
  if (all.length <= allowed) return { remove: all, refused: [] }
  return { remove: all.slice(0, allowed), refused: all.slice(allowed) }
}
