/** What both ends of a connection make of the same options, before the first entry. */
import { ProtocolError } from '../base/errors.js'
import type { Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import { type Hello, namesOffered } from '../rsync/handshake.js'
import type { FilterExchange } from '../wire/filter-list.js'
import { CHECKSUMS, COMPRESSORS, PROTOCOL } from '../wire/negotiate.js'
import { has, type ListOptions, type Terms } from '../wire/terms.js'
import type { SyncEvents } from './sync-events.js'

type Environment = { readonly [name: string]: string | undefined }

export function helloOf(
  options: Options,
  environment: Environment,
  daemonProtocol: number | null,
  isServer: boolean,
): Hello {
  const isWritten = options.batch !== null && !isServer
  return {
    ownProtocol: options.protocol ?? PROTOCOL.own,
    daemonProtocol,
    checksumChoice: options.checksumChoice,
    compress: options.compress,
    // A batch does not tell which they are: they are those of before there was a choice.
    checksums: isWritten
      ? ['md5']
      : namesOffered(CHECKSUMS, environment['RSYNC_CHECKSUM_LIST'], isServer),
    compressors: isWritten
      ? ['zlib']
      : namesOffered(COMPRESSORS, environment['RSYNC_COMPRESS_LIST'], isServer),
  }
}

/** @throws {ProtocolError} where an option says what the agreed protocol has no words for */
export function refuseUnsayable(options: Options, protocol: number): void {
  const { acls, xattrs, fuzzy, pruneEmptyDirs, alternates } = options
  const least: readonly (readonly [what: string, isAsked: boolean, protocol: number])[] = [
    ['--acls', acls, 30],
    ['--xattrs', xattrs > 0, 30],
    ['--fuzzy', fuzzy > 0, 29],
    ['--prune-empty-dirs', pruneEmptyDirs, 29],
    [
      `Using more than one --${alternates?.kind}-dest option`,
      (alternates?.directories.length ?? 0) > 1,
      29,
    ],
  ]
  for (const [what, isAsked, needed] of least)
    if (isAsked && protocol < needed)
      throw new ProtocolError(
        `${what} requires protocol ${needed} or higher (negotiated ${protocol})`,
      )
}

/** The same events at a client, where an item says no more than these terms let rsync know of it. */
export function asAgreed(events: SyncEvents, terms: Terms, isPush: boolean): SyncEvents {
  const isOld = terms.protocol < 29
  const setsLinkTimes = isPush ? has(terms, 'symlinkTimes') : !isOld
  if (setsLinkTimes && !isOld) return events
  return {
    ...events,
    item: (entry, iflags, xname) => {
      const isLink = entry.stands.kind === 'symlink'
      const isTimeLost = !setsLinkTimes && isLink && (iflags & ITEM.time) !== 0
      const isUnknown = isOld && (iflags & ITEM.transfer) !== 0
      const more = (isTimeLost ? ITEM.size : 0) | (isUnknown ? ITEM.unknown : 0)
      events.item(entry, iflags | more, xname)
    },
  }
}

export function filterExchange(
  options: Options,
  protocol: number,
  isPush: boolean,
): FilterExchange {
  return {
    protocol,
    isPush,
    deletes: options.deleting !== null,
    deleteExcluded: options.deleteExcluded,
    pruneEmptyDirs: options.pruneEmptyDirs,
  }
}

/** The options that shape a list. */
export function listOptions(o: Options): ListOptions {
  const { relative, links, hardLinks, owner, group, devices, specials } = o
  const { atimes, checksum, acls, numericIds } = o
  return {
    recursive: o.recursive,
    relative,
    links,
    hardLinks,
    owner,
    group,
    devices,
    specials,
    atimes,
    checksum,
    acls,
    numericIds,
    xattrs: o.xattrs > 0,
  }
}
