/**
 * Amounts as options write them. Sizes as rsync's --max-size (`1.5m`, `10kB`, `1GiB`, `1G+1`), rates as --bwlimit
 * (KiB a second, or with a unit), durations for prsync's own options (`5m`, `48h`, `1h30m`). rsync(1).
 */
import { UsageError } from '../base/errors.js'

const POWERS = 'bkmgtp'
const SIZE = /^(\d+(?:\.\d*)?|\.\d+)(?:([bkmgtp])(ib|b)?)?([+-]1)?$/i

/** Bytes. A letter alone counts in 1024s, with `B` in 1000s. @param unit letter when none is written */
function parseAmount(text: string, unit: string, option: string): number {
  const match = SIZE.exec(text)
  const letter = (match?.[2] ?? unit).toLowerCase()
  const suffix = match?.[3]?.toLowerCase()
  if (match === null) throw new UsageError(`${option}=${text}: not a size`)
  const base = suffix === 'b' ? 1000 : 1024
  const value =
    Math.floor(Number(match[1]) * base ** POWERS.indexOf(letter)) + Number(match[4] ?? 0)
  if (value < 0 || value > Number.MAX_SAFE_INTEGER)
    throw new UsageError(`${option}=${text}: out of range`)
  return value
}

/** A size in bytes. @throws {UsageError} naming the option */
export function parseSize(text: string, option: string): number {
  return parseAmount(text, 'b', option)
}

/** Bytes a second; 0: no limit. Without a unit the number counts KiB, and what is not 0 is at least 512 bytes. */
export function parseRate(text: string, option: string): number {
  const rate = parseAmount(text, 'k', option)
  if (rate > 0 && rate < 512) throw new UsageError(`${option}=${text}: too small`)
  return rate
}

const SECONDS: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
  ['w', 604_800],
])
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|[smhdw])/gy

/** Milliseconds. Each number has its unit: `ms s m h d w`; only 0 may go without. @throws {UsageError} */
export function parseDuration(text: string, option: string): number {
  if (text === '0') return 0
  let total = 0
  let end = 0
  for (const [part, number, unit = ''] of text.matchAll(DURATION_PART)) {
    total += Number(number) * (unit === 'ms' ? 1 : 1000 * (SECONDS.get(unit) ?? 0))
    end += part.length
  }
  if (end === 0 || end !== text.length)
    throw new UsageError(`${option}=${text}: not a duration such as 30s, 5m or 48h`)
  if (total > Number.MAX_SAFE_INTEGER) throw new UsageError(`${option}=${text}: out of range`)
  return Math.floor(total)
}

/** Bytes for a person, in 1024s: `1.50M`; the shape of rsync's -hh. */
export function formatSize(bytes: number): string {
  let value = bytes
  let power = 0
  while (value >= 1024 && power < POWERS.length - 1) {
    value /= 1024
    power++
  }
  return power === 0 ? String(bytes) : `${value.toFixed(2)}${POWERS.charAt(power).toUpperCase()}`
}
