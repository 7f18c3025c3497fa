/** What the two ends of a connection agreed on before the first entry. prsync-protocol(7), handshake. */
import type { ChecksumName } from '../hash/checksum.js'

export type CompressorName = 'zstd' | 'lz4' | 'zlibx' | 'zlib'

/** Compatibility flags of protocol 30 and later, as the server sends them. */
export const COMPAT = {
  incremental: 0x01,
  symlinkTimes: 0x02,
  symlinkIconv: 0x04,
  safeList: 0x08,
  avoidXattrOptimization: 0x10,
  seedFix: 0x20,
  inplacePartial: 0x40,
  varFlags: 0x80,
  id0Names: 0x100,
} as const

export type Terms = {
  /** 27 … 32. */
  readonly protocol: number
  /** COMPAT; 0 below protocol 30. */
  readonly compat: number
  readonly seed: number
  /** Of blocks and whole files; of files in the list, with -c. */
  readonly checksum: ChecksumName
  readonly listChecksum: ChecksumName
  readonly compressor: CompressorName | null
}

export function has(terms: Terms, flag: keyof typeof COMPAT): boolean {
  return (terms.compat & COMPAT[flag]) !== 0
}
/** An error of reading may be told at the end of a list. */
export function hasSafeList(terms: Terms): boolean {
  return terms.protocol >= 31 || has(terms, 'safeList')
}

/** The options that shape a file list: both ends have them from the same words. */
export type ListOptions = {
  readonly recursive: boolean
  readonly relative: boolean
  readonly links: boolean
  readonly hardLinks: boolean
  readonly owner: boolean
  readonly group: boolean
  readonly devices: boolean
  readonly specials: boolean
  readonly atimes: boolean
  readonly checksum: boolean
  readonly acls: boolean
  readonly xattrs: boolean
  readonly numericIds: boolean
}
