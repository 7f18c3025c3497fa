/** The line of `--progress` and `--info=progress2`, as rsync draws it over itself. rsync(1) --progress. */
import { formatNumber } from './numbers.js'

export type Shown = {
  /** Bytes so far, and in all. */
  readonly done: number
  readonly size: number
  /** Since it began. */
  readonly seconds: number
  /** --human-readable. */
  readonly level: number
  /** Files that came, entries left, entries in all; null: it goes on. */
  readonly end: {
    readonly files: number
    readonly left: number
    readonly listed: number
    /** More entries will come. */
    readonly isGrowing?: boolean
  } | null
}

const UNITS = ['kB/s', 'MB/s', 'GB/s'] as const

/** `          3,000 100%    1.40GB/s    0:00:00 (xfr#1, to-chk=5/7)`: at its end the time is what it took, before what is left. */
export function progressLine({ done, size, seconds, level, end }: Shown): string {
  const percent = done === size ? 100 : Math.floor((100 * done) / size)
  const perSecond = seconds > 0 ? done / seconds : 0
  const left = perSecond > 0 ? (size - done) / perSecond : 0
  const word = end?.isGrowing === true ? 'ir-chk' : 'to-chk'
  const tail = end === null ? '  ' : ` (xfr#${end.files}, ${word}=${end.left}/${end.listed})`
  const amount = formatNumber(done, level).padStart(15)
  const part = String(percent).padStart(3)
  return `${amount} ${part}% ${rateText(perSecond)} ${clockText(end === null ? left : seconds)}${tail}`
}

function rateText(perSecond: number): string {
  let rate = perSecond / 1024
  let unit = 0
  for (; rate >= 1024 && unit < UNITS.length - 1; unit++) rate /= 1024
  return `${rate.toFixed(2).padStart(7)}${UNITS[unit] ?? ''}`
}
function clockText(seconds: number): string {
  const whole = Math.floor(seconds)
  if (whole > 9999 * 3600) return '  ??:??:??'
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${String(Math.floor(whole / 3600)).padStart(4)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`
}
