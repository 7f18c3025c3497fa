/** Which files are to be brought, by what stands there already: options of comparing. rsync(1). */
import type { Flags } from './flags.js'

export type ComparisonOptions = {
  readonly checksum: boolean
  readonly ignoreTimes: boolean
  readonly sizeOnly: boolean
  /** Seconds; -1: to the nanosecond. */
  readonly modifyWindow: number
  readonly update: boolean
  readonly existing: boolean
  readonly ignoreExisting: boolean
  readonly removeSourceFiles: boolean
  readonly fuzzy: number
  /** All of one kind. */
  readonly alternates: {
    readonly kind: 'compare' | 'copy' | 'link'
    readonly directories: readonly string[]
  } | null
}

/** @throws {UsageError} on numbers that are none */
export function comparisonOptions(flags: Flags): ComparisonOptions {
  return {
    checksum: flags.on('checksum'),
    ignoreTimes: flags.on('ignore-times'),
    sizeOnly: flags.on('size-only'),
    modifyWindow: Math.max(-1, flags.integer('modify-window') ?? 0),
    update: flags.on('update'),
    existing: flags.on('existing'),
    ignoreExisting: flags.on('ignore-existing'),
    removeSourceFiles: flags.on('remove-source-files') || flags.on('remove-sent-files'),
    fuzzy: Math.min(2, flags.count('fuzzy')),
    alternates: alternates(flags),
  }
}

function alternates(flags: Flags): ComparisonOptions['alternates'] {
  for (const kind of ['compare', 'copy', 'link'] as const) {
    const directories = flags.texts(`${kind}-dest`)
    if (directories.length > 0) return { kind, directories }
  }
  return null
}
