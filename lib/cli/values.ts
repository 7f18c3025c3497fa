/** Option values → what they mean. */
import { UsageError } from '../base/errors.js'

/** `ADDR:PORT`, `[v6]:PORT`, `:PORT`. */
export function addressOf(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65535)
    throw new UsageError(`not an address: ${text} (as in 0.0.0.0:8730)`)
  return { host: match[1] ?? (match[2] === '' ? '0.0.0.0' : (match[2] ?? '')), port }
}

const SECONDS: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  m: 60,
  h: 3600,
  d: 86400,
  w: 604800,
}

/** `90s`, `5m`, `48h` → milliseconds; a bare number is seconds. */
export function durationOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(|s|m|h|d|w)$/.exec(text)
  const unit = SECONDS[match?.[2] ?? '']
  if (match === null || unit === undefined)
    throw new UsageError(`not a duration: ${text} (as in 90s, 5m, 48h)`)
  return Number(match[1]) * unit * 1000
}

const BYTES: Readonly<Record<string, number>> = {
  '': 1024,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
}

/** rsync(1) --bwlimit: a number of KiB a second, or with a suffix; 0 is no limit. → bytes a second */
export function rateOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?$/i.exec(text)
  const unit = BYTES[(match?.[2] ?? '').toUpperCase()]
  if (match === null || unit === undefined)
    throw new UsageError(`not a rate: ${text} (as in 500, 10m, 1.5g)`)
  const rate = Number(match[1]) * unit
  return rate === 0 ? null : rate
}
