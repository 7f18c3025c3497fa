/**
 * From the first byte of a connection to the first of the file list: versions, compatibility, names of sums and compressors,
 * the seed. prsync-protocol(7), handshake. Both directions are multiplexed afterwards as the protocol has it.
 */
import { ProtocolError, UnsupportedError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { NO_TRACE, type Trace } from '../base/trace.js'
import type { ChecksumName } from '../hash/checksum.js'
import { readVarint, readVstring, writeVarint, writeVstring } from '../wire/ints.js'
import {
  agreeOnProtocol,
  type CHECKSUMS,
  COMPRESSORS,
  choose,
  chosenSums,
  compatOf,
  usualListSum,
  usualSum,
} from '../wire/negotiate.js'
import { COMPAT, type CompressorName, type Terms } from '../wire/terms.js'
import type { WireReader } from './reader.js'
import type { WireWriter } from './writer.js'

/** What both ends know from the command line. */
export type Hello = {
  /** The highest that is spoken here. */
  readonly ownProtocol: number
  /** Agreed on by a daemon's greeting; null: versions go over the stream. */
  readonly daemonProtocol: number | null
  readonly checksumChoice: string | null
  /** Null: nothing is compressed; `choice` null: to be agreed on. */
  readonly compress: { readonly choice: CompressorName | null } | null
  /** What is offered, where not all: RSYNC_CHECKSUM_LIST, RSYNC_COMPRESS_LIST. */
  readonly checksums: readonly (typeof CHECKSUMS)[number][]
  readonly compressors: readonly CompressorName[]
  readonly compressLevel?: number | null
  /** Names of --files-from are to be read: below FRAMED_NAMES without frames, after none or some. */
  readonly readsNames?: boolean
  readonly trace?: Trace
}
/** Names of --files-from go in frames from this protocol on. */
export const FRAMED_NAMES = 31

export type ClientHello = Hello & {
  /** It may read a list piece by piece, and said so. */
  readonly incremental: boolean
  /** The client's direction is multiplexed though the protocol is old: --remove-source-files of a pull. */
  readonly framesOld: boolean
  /** Hears which protocol it is, before a server that refuses it leaves. May throw. */
  readonly agreed?: (protocol: number) => void
}
export type ServerHello = Hello & {
  /** Letters behind `-e`, with the dot. */
  readonly capabilities: string
  readonly incremental: boolean
  readonly seed: number
  readonly framesOld: boolean
}

export async function clientHandshake(
  reader: WireReader,
  writer: WireWriter,
  hello: ClientHello,
): Promise<Terms> {
  const protocol = await versions(reader, writer, hello)
  hello.agreed?.(protocol)
  let compat = 0
  if (protocol >= 30) {
    compat = await reader.decode(readVarint)
    if ((compat & COMPAT.incremental) !== 0 && !hello.incremental)
      throw new ProtocolError(
        'the server sends its list piece by piece, which it was not asked for',
      )
  }
  const names = await negotiate(reader, writer, hello, protocol, compat, false)
  const seed = await reader.decode((c) => c.i32le())
  reader.startFrames(isStepwise(hello, protocol))
  await writer.flush()
  if (protocol >= 30 || hello.framesOld) writer.startFrames()
  return { protocol, compat, seed, ...names }
}

export async function serverHandshake(
  reader: WireReader,
  writer: WireWriter,
  hello: ServerHello,
): Promise<Terms> {
  const protocol = await versions(reader, writer, hello)
  const dot = hello.capabilities.indexOf('.')
  const capabilities = dot < 0 ? '' : hello.capabilities.slice(dot + 1)
  let compat = 0
  if (protocol >= 30) {
    compat = compatOf({ capabilities, incremental: hello.incremental })
    // A pre-release's letter, whose flags are one byte.
    if (capabilities.includes('V')) writer.data.u8(compat & 0xff)
    else writeVarint(writer.data, compat)
  }
  const names = await negotiate(reader, writer, hello, protocol, compat, true)
  writer.data.i32le(hello.seed)
  await writer.flush()
  writer.startFrames()
  if (protocol >= 30 || hello.framesOld) reader.startFrames(isStepwise(hello, protocol))
  return { protocol, compat, seed: hello.seed, ...names }
}

function isStepwise({ readsNames }: Hello, protocol: number): boolean {
  return readsNames === true && protocol < FRAMED_NAMES
}

async function versions(reader: WireReader, writer: WireWriter, hello: Hello): Promise<number> {
  if (hello.daemonProtocol !== null) return hello.daemonProtocol
  writer.data.i32le(hello.ownProtocol)
  await writer.flush()
  const theirs = await reader.decode((c) => c.i32le())
  const agreed = agreeOnProtocol(hello.ownProtocol, theirs)
  hello.trace?.greeted?.(theirs, agreed)
  return agreed
}

type Names = Pick<Terms, 'checksum' | 'listChecksum' | 'compressor'>

/** Both ends write all they have to say, and then read. */
async function negotiate(
  reader: WireReader,
  writer: WireWriter,
  hello: Hello,
  protocol: number,
  compat: number,
  isServer: boolean,
): Promise<Names> {
  const { compress } = hello
  const more = isServer ? ' none' : ''
  const chosen = chosenSums(hello.checksumChoice)
  const isAgreed = (compat & COMPAT.varFlags) !== 0
  const asksSum = isAgreed && chosen === null
  const asksCompressor = isAgreed && compress !== null && compress.choice === null
  if (asksSum) writeVstring(writer.data, hello.checksums.join(' ') + more)
  if (asksCompressor) writeVstring(writer.data, hello.compressors.join(' ') + more)
  await writer.flush()
  const sum: ChecksumName = asksSum
    ? choose(hello.checksums, await names(reader), isServer, 'checksum')
    : usualSum(protocol)
  const compressor =
    compress === null
      ? null
      : asksCompressor
        ? choose(hello.compressors, await names(reader), isServer, 'compress')
        : (compress.choice ?? 'zlib')
  if (compressor !== null && !COMPRESSORS.includes(compressor))
    throw new UnsupportedError(`this machine cannot compress with ${compressor}`)
  const checksum = chosen?.[0] ?? sum
  const { trace = NO_TRACE, compressLevel = null } = hello
  trace.chose?.('checksum', checksum, asksSum, null)
  if (compressor !== null) trace.chose?.('compress', compressor, asksCompressor, compressLevel)
  const listSum = asksSum ? sum : usualListSum(protocol)
  return { checksum, listChecksum: chosen?.[1] ?? listSum, compressor }
}

async function names(reader: WireReader): Promise<string> {
  const text = await reader.decode(readVstring)
  if (text.length > LIMITS.nameListBytes) throw new ProtocolError('too many names to choose from')
  return text
}

/** RSYNC_CHECKSUM_LIST, RSYNC_COMPRESS_LIST: names in their order; behind `&` those for a server. */
export function namesOffered<T extends string>(
  all: readonly T[],
  list: string | undefined,
  isServer: boolean,
): readonly T[] {
  if (list === undefined || list.trim() === '') return all
  const [client = '', server = client] = list.split('&')
  const wanted = (isServer ? server : client).toLowerCase().split(/\s+/)
  const found = wanted.flatMap((name) => all.filter((one) => one === name))
  return found.length === 0 ? all : found
}
