/** Which compression was asked for: `-z`, `-zz`, `--compress-choice` and its older spellings, the last of which decides. rsync(1) --compress. */
import type { Flags } from './flags.js'

/** Null: none. */
export type Compression = {
  /** Null: both ends agree on one. */
  readonly choice: 'zstd' | 'lz4' | 'zlibx' | 'zlib' | null
} | null

/** What was written; `name` is null with `-z` alone. */
export type CompressionSaid = { readonly on: boolean; readonly name: string | null }

export function compressionSaid(flags: Flags): CompressionSaid {
  let times = 0
  let name: string | null = null
  for (const flag of flags.all) {
    if (flag.name === 'compress' && !flag.on) {
      times = 0
      name = null
    } else if (flag.name === 'compress') times++
    else if (flag.name === 'old-compress') name = 'zlib'
    else if (flag.name === 'new-compress') name = 'zlibx'
    else if (flag.name === 'compress-choice') name = flag.value ?? ''
  }
  if (name?.toLowerCase() === 'auto') name = null
  if (name === null && times > 1) name = 'zlibx'
  return { on: times > 0 || name !== null, name }
}

export function compression({ on, name }: CompressionSaid): Compression {
  if (!on) return null
  const choice = name?.toLowerCase() ?? null
  switch (choice) {
    case 'zstd':
    case 'lz4':
    case 'zlibx':
    case 'zlib':
    case null:
      return { choice }
    default:
      return null // `none`; what nobody knows was refused
  }
}
