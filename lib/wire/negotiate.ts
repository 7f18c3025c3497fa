/** Versions, compatibility flags, and the names of sums and compressors. prsync-protocol(7), handshake. */
import * as zlib from 'node:zlib'
import { ProtocolError, UnsupportedError } from '../base/errors.js'
import type { ChecksumName } from '../hash/checksum.js'
import { COMPAT, type CompressorName } from './terms.js'

export const PROTOCOL = { own: 32, least: 27 } as const
/** What another program may say of itself; anything else is no rsync. */
const SAID = { least: 20, most: 40 } as const

/** Best first, in the order in which both ends have to name them. */
export const CHECKSUMS = ['xxh128', 'xxh3', 'xxh64', 'md5', 'md4', 'sha1'] as const

/** Node has it from 22.15 on. */
export const HAS_ZSTD = 'createZstdCompress' in zlib
/** Best first, as rsync has it; those that this machine can do. */
export const COMPRESSORS: readonly CompressorName[] = [
  ...(HAS_ZSTD ? (['zstd'] as const) : []),
  'lz4',
  'zlibx',
  'zlib',
]

/** @throws {ProtocolError} */
export function agreeOnProtocol(own: number, theirs: number): number {
  if (theirs < SAID.least || theirs > SAID.most)
    throw new ProtocolError('protocol version mismatch -- is your shell clean?')
  const agreed = Math.min(own, theirs)
  if (agreed < PROTOCOL.least)
    throw new ProtocolError(
      `protocol ${agreed} of the other side is too old: ${PROTOCOL.least} at least`,
    )
  return agreed
}

/** What decides a server's flags. */
export type CompatRule = {
  /** Of the client's `-e.…`: letters behind the dot. */
  readonly capabilities: string
  /** The server may send, or take, a list piece by piece. */
  readonly incremental: boolean
}

/** The flags of a server of protocol 30 or later. */
export function compatOf({ capabilities, incremental }: CompatRule): number {
  const can = (letter: string): boolean => capabilities.includes(letter)
  return (
    (incremental && can('i') ? COMPAT.incremental : 0) |
    COMPAT.symlinkTimes |
    COMPAT.symlinkIconv |
    (can('f') ? COMPAT.safeList : 0) |
    (can('x') ? COMPAT.avoidXattrOptimization : 0) |
    (can('C') ? COMPAT.seedFix : 0) |
    (can('I') ? COMPAT.inplacePartial : 0) |
    (can('v') || can('V') ? COMPAT.varFlags : 0) |
    (can('u') ? COMPAT.id0Names : 0)
  )
}

/** The client's first that the server has too. @throws {UnsupportedError} */
export function choose<T extends string>(
  ours: readonly T[],
  theirs: string,
  isServer: boolean,
  what: string,
): T {
  const named = theirs
    .toLowerCase()
    .split(' ')
    .map((name) => (name === 'xxhash' ? 'xxh64' : name))
  const found = isServer
    ? named.flatMap((name) => ours.filter((one) => one === name))[0]
    : ours.find((name) => named.includes(name))
  if (found === undefined) throw new UnsupportedError(`Failed to negotiate a ${what} choice.`)
  return found
}

/** `--checksum-choice`: of transfers, of the list. Null: to be agreed on. */
export function chosenSums(choice: string | null): readonly [ChecksumName, ChecksumName] | null {
  if (choice === null || choice === 'auto') return null
  const [transfer = '', list = transfer] = choice.split(',')
  return [sumNamed(transfer), sumNamed(list)]
}
function sumNamed(name: string): ChecksumName {
  if (name === 'xxhash') return 'xxh64'
  const known = [...CHECKSUMS, 'none' as const].find((one) => one === name)
  if (known === undefined) throw new UnsupportedError(`unknown checksum name: ${name}`)
  return known
}

/** Where nothing was agreed on. */
export function usualSum(protocol: number): ChecksumName {
  return protocol >= 30 ? 'md5' : 'md4-old'
}
/** Of -c in a list, where there is no choice: the same without a seed. */
export function usualListSum(protocol: number): ChecksumName {
  return protocol >= 30 ? 'md5' : 'md4'
}
