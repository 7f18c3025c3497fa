/**
 * The head of a batch: which options shape what follows, and the terms it was sent in. Behind it comes what the sender sent,
 * without frames, from the list to the last word. prsync-protocol(7), batches; rsync(1) BATCH MODE.
 */
import type { Cursor, Writer } from '../base/bytes.js'
import { ProtocolError } from '../base/errors.js'
import type { Options } from '../options/options.js'
import { readVarint, writeVarint } from './ints.js'
import { PROTOCOL, usualSum } from './negotiate.js'
import type { Terms } from './terms.js'

export type BatchHead = { readonly flags: number; readonly terms: Terms }

export function writeBatchHead(w: Writer, { flags, terms }: BatchHead): void {
  w.i32le(flags)
  w.i32le(terms.protocol)
  if (terms.protocol >= 30) writeVarint(w, terms.compat)
  w.i32le(terms.seed)
}

/** Sums and compressors are not told: they are those of before there was a choice. @throws {ProtocolError} */
export function readBatchHead(c: Cursor): BatchHead {
  const flags = c.i32le()
  const protocol = c.i32le()
  if (protocol > PROTOCOL.own)
    throw new ProtocolError(
      `the batch is of protocol ${protocol}, which is newer than ${PROTOCOL.own}, or it is no batch`,
    )
  if (protocol < PROTOCOL.least)
    throw new ProtocolError(`the batch is of protocol ${protocol}: ${PROTOCOL.least} at least`)
  const compat = protocol >= 30 ? readVarint(c) : 0
  const seed = c.i32le()
  const sum = usualSum(protocol)
  const compressor = (flags & COMPRESSED) !== 0 && protocol >= 29 ? 'zlib' : null
  return {
    flags,
    terms: { protocol, compat, seed, checksum: sum, listChecksum: sum, compressor },
  }
}

type Shaping = Pick<
  Options,
  | 'recursive'
  | 'owner'
  | 'group'
  | 'links'
  | 'devices'
  | 'hardLinks'
  | 'checksum'
  | 'dirs'
  | 'compress'
  | 'acls'
  | 'xattrs'
  | 'inplace'
  | 'append'
>

/** One option of a batch: its bit, what it is called, and what it means. */
type Row = {
  readonly bit: number
  readonly name: string
  readonly least: number
  readonly isOn: (o: Shaping) => boolean
  readonly set: (on: boolean) => Partial<Shaping>
}

const row = (
  bit: number,
  name: string,
  least: number,
  isOn: Row['isOn'],
  set: Row['set'],
): Row => ({ bit, name, least, isOn, set })

const ROWS: readonly Row[] = [
  row(
    0,
    '--recurse (-r)',
    0,
    (o) => o.recursive,
    (recursive) => ({ recursive }),
  ),
  row(
    1,
    '--owner (-o)',
    0,
    (o) => o.owner,
    (owner) => ({ owner }),
  ),
  row(
    2,
    '--group (-g)',
    0,
    (o) => o.group,
    (group) => ({ group }),
  ),
  row(
    3,
    '--links (-l)',
    0,
    (o) => o.links,
    (links) => ({ links }),
  ),
  row(
    4,
    '--devices (-D)',
    0,
    (o) => o.devices,
    (devices) => ({ devices }),
  ),
  row(
    5,
    '--hard-links (-H)',
    0,
    (o) => o.hardLinks,
    (hardLinks) => ({ hardLinks }),
  ),
  row(
    6,
    '--checksum (-c)',
    0,
    (o) => o.checksum,
    (checksum) => ({ checksum }),
  ),
  row(
    7,
    '--dirs (-d)',
    29,
    (o) => o.dirs || o.recursive,
    (dirs) => ({ dirs }),
  ),
  row(
    8,
    '--compress (-z)',
    29,
    (o) => o.compress !== null,
    (on) => ({ compress: on ? { choice: 'zlib' } : null }),
  ),
  row(
    10,
    '--acls (-A)',
    30,
    (o) => o.acls,
    (acls) => ({ acls }),
  ),
  row(
    11,
    '--xattrs (-X)',
    30,
    (o) => o.xattrs > 0,
    (on) => ({ xattrs: on ? 1 : 0 }),
  ),
  row(
    12,
    '--inplace',
    30,
    (o) => o.inplace,
    (inplace) => ({ inplace }),
  ),
  row(
    13,
    '--append',
    30,
    (o) => o.append === 'trust',
    (on) => ({ append: on ? 'trust' : 'no' }),
  ),
  row(
    14,
    '--append-verify',
    30,
    (o) => o.append === 'verify',
    (on) => ({ append: on ? 'verify' : 'no' }),
  ),
]
const COMPRESSED = 1 << 8
/** Names are in another charset than those of this machine may be. */
export const CONVERTED = 1 << 9

export function batchFlags(options: Options, protocol: number): number {
  let flags = options.iconv !== null && protocol >= 30 ? CONVERTED : 0
  for (const { bit, least, isOn } of ROWS) if (protocol >= least && isOn(options)) flags |= 1 << bit
  return flags
}

export type Matched = { readonly name: string; readonly on: boolean }

/** The options of a reader as the batch needs them, and which were said otherwise. */
export function matchBatch(
  options: Options,
  { flags, terms }: BatchHead,
): { readonly options: Options; readonly matched: readonly Matched[] } {
  let shaped = options
  const matched: Matched[] = []
  for (const { bit, name, least, isOn, set } of ROWS) {
    const on = (flags & (1 << bit)) !== 0
    if (terms.protocol < least || isOn(options) === on) continue
    matched.push({ name, on })
    shaped = { ...shaped, ...set(on) }
  }
  return { options: shaped, matched }
}
