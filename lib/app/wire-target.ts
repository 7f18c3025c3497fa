/** Where what comes over a connection goes: the place at the destination, and whose names the sender's owners have here. */
import type { FilterRule } from '../flist/filter.js'
import type { Names } from '../flist/id-map.js'
import type { Options } from '../options/options.js'
import type { ReceivedLists } from '../rsync/received-lists.js'
import type { ListDecoder } from '../wire/list-decoder.js'
import type { Terms } from '../wire/terms.js'
import type { SyncEvents, Troubles } from './sync-events.js'
import { kindOfOnly, targetPlace } from './target-place.js'
import { type Accounts, TargetSide } from './target-side.js'

export type WireTargetParts = {
  readonly terms: Terms
  readonly options: Options
  /** Null: what comes is only listed. */
  readonly destination: string | null
  readonly filters: readonly FilterRule[]
  readonly trusted: (path: string) => string
  readonly troubles: Troubles
  readonly accounts: Accounts
  readonly events: SyncEvents
}

/** Null: nothing is written. */
export function openWireTarget(
  { terms, options, destination, filters, trusted, troubles, accounts, events }: WireTargetParts,
  lists: ReceivedLists,
  ids: ListDecoder['ids'],
): TargetSide | null {
  if (destination === null) return null
  const coming = { isEmpty: lists.isEmpty, only: () => kindOfOnly(lists.only) }
  const place = targetPlace(destination, coming, options, (path, directories) =>
    events.madeDestination(path, directories),
  )
  if (place === null) return null
  events.goesTo?.(place.directory)
  const { protocol } = terms
  return new TargetSide({
    options,
    place,
    filters,
    trusted,
    troubles,
    accounts,
    wholeSeconds: protocol < 31,
    isFake: options.fakeSuper,
    names: options.numericIds
      ? null
      : {
          users: sentNames(accounts.users, ids.users, protocol),
          groups: sentNames(accounts.groups, ids.groups, protocol),
        },
    events,
  })
}

/** Owners by the names that came with the list. Root's does not come in protocols before 30: it is the one here. */
function sentNames(here: Names, sent: ReadonlyMap<number, string>, protocol: number): Names {
  return {
    ...here,
    name: (id) => sent.get(id) ?? (id === 0 && protocol < 30 ? here.name(0) : null),
  }
}
