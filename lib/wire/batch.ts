/**
 * The head of a batch: which options shape what follows, and the terms it was sent in. Behind it comes what the sender sent,
 * without frames, from the list to the last word. prsync-protocol(7), batches; rsync(1) BATCH MODE.
 */
import type { Cursor, Writer } from '../base/bytes.js'
import { ProtocolError } from '../base/errors.js'
import type { Options } from '../options/options.js'
import { readVarint, writeVarint } from './ints.js'
import { PROTOCOL, usualListSum, usualSum } from './negotiate.js'
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
  const sums = { checksum: usualSum(protocol), listChecksum: usualListSum(protocol) }
  const compressor = (flags & COMPRESSED) !== 0 && protocol >= 29 ? 'zlib' : null
  return {
    flags,
    terms: { protocol, compat, seed, ...sums, compressor },
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

/** One option of a batch: its bit, what it is called, the protocol that knows of it, and what it means. */
type Row = {
  readonly bit: number
  readonly name: string
  readonly least: number
  readonly isOn: (o: Shaping) => boolean
  readonly set: (on: boolean) => Partial<Shaping>
}

type Switch = { [K in keyof Shaping]: Shaping[K] extends boolean ? K : never }[keyof Shaping]

const plain = (bit: number, name: string, least: number, option: Switch): Row => ({
  bit,
  name,
  least,
  isOn: (o) => o[option],
  set: (on) => ({ [option]: on }),
})
const appending = (bit: number, name: string, kind: 'trust' | 'verify'): Row => ({
  bit,
  name,
  least: 30,
  isOn: (o) => o.append === kind,
  set: (on) => ({ append: on ? kind : 'no' }),
})

const ROWS: readonly Row[] = [
  plain(0, '--recurse (-r)', 0, 'recursive'),
  plain(1, '--owner (-o)', 0, 'owner'),
  plain(2, '--group (-g)', 0, 'group'),
  plain(3, '--links (-l)', 0, 'links'),
  plain(4, '--devices (-D)', 0, 'devices'),
  plain(5, '--hard-links (-H)', 0, 'hardLinks'),
  plain(6, '--checksum (-c)', 0, 'checksum'),
  plain(7, '--dirs (-d)', 29, 'dirs'),
  {
    bit: 8,
    name: '--compress (-z)',
    least: 29,
    isOn: (o) => o.compress !== null,
    set: (on) => ({ compress: on ? { choice: 'zlib' } : null }),
  },
  plain(10, '--acls (-A)', 30, 'acls'),
  {
    bit: 11,
    name: '--xattrs (-X)',
    least: 30,
    isOn: (o) => o.xattrs > 0,
    set: (on) => ({ xattrs: on ? 1 : 0 }),
  },
  plain(12, '--inplace', 30, 'inplace'),
  appending(13, '--append', 'trust'),
  appending(14, '--append-verify', 'verify'),
]
const COMPRESSED = 1 << 8
/** Names are in another charset than those of this machine may be. */
export const CONVERTED = 1 << 9

/** All bits, also those that a reader of an old protocol does not know of. */
export function batchFlags(options: Options): number {
  const converted = options.iconv === null ? 0 : CONVERTED
  return ROWS.reduce((flags, { bit, isOn }) => flags | (isOn(options) ? 1 << bit : 0), converted)
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
