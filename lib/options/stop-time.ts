/** When a run has to end: `--stop-after` in minutes, `--stop-at` as a date and time of which parts may be missing. rsync(1). */
import { UsageError } from '../base/errors.js'

const STOP_AT =
  /^(?:(?:(\d{4}|\d{2})[-/])?(\d{1,2})[-/](\d{1,2})|(\d{1,2}))?(?:(?:^|T)T?(\d{1,2})?:(\d{2}))?$/

/** The next such moment in local time, in ms. @throws {UsageError} on what is no time, or is over */
export function parseStopAt(text: string, now: Date): number {
  const match = STOP_AT.exec(text)
  const [, year, month, day, dayAlone, hour, minute] = match ?? []
  const fields = {
    year: numberOf(year),
    month: numberOf(month),
    day: numberOf(day ?? dayAlone),
    hour: numberOf(hour),
    minute: numberOf(minute),
  }
  if (match === null || text === '' || !isWithin(fields))
    throw new UsageError(`invalid --stop-at format: ${text}`)
  const at = nextTime(fields, now)
  if (at <= now.getTime()) throw new UsageError(`--stop-at time is not in the future: ${text}`)
  return at
}

type Fields = {
  readonly year: number | null
  readonly month: number | null
  readonly day: number | null
  readonly hour: number | null
  readonly minute: number | null
}

function nextTime(fields: Fields, now: Date): number {
  const { year, month, day, hour } = fields
  if (year !== null) return momentAt(fields, year < 100 ? 2000 + year : year, month ?? 1, now)
  // What is missing is the next that fits: there is no 31st in every month.
  for (let months = 0; months <= 12 * 8; months += month === null ? 1 : 12) {
    const first = new Date(now.getFullYear(), (month ?? now.getMonth() + 1) - 1 + months, 1)
    const at = momentAt(fields, first.getFullYear(), first.getMonth() + 1, now)
    const isThatDay = day === null || new Date(at).getDate() === day
    if (at > now.getTime() && isThatDay) return at
    if (day === null) return later(at, hour === null ? 'hour' : 'day')
  }
  return now.getTime()
}

function momentAt(f: Fields, year: number, month: number, now: Date): number {
  const hour = f.hour ?? (f.day === null ? now.getHours() : 0)
  return new Date(year, month - 1, f.day ?? now.getDate(), hour, f.minute ?? 0).getTime()
}
function later(ms: number, by: 'hour' | 'day'): number {
  const at = new Date(ms)
  if (by === 'hour') at.setHours(at.getHours() + 1)
  else at.setDate(at.getDate() + 1)
  return at.getTime()
}

function isWithin({ month, day, hour, minute }: Fields): boolean {
  const between = (n: number | null, least: number, most: number): boolean =>
    n === null || (n >= least && n <= most)
  return (
    between(month, 1, 12) && between(day, 1, 31) && between(hour, 0, 23) && between(minute, 0, 59)
  )
}
function numberOf(text: string | undefined): number | null {
  return text === undefined ? null : Number(text)
}

/** Minutes from now → ms of the wall clock. @throws {UsageError} */
export function parseStopAfter(text: string, now: Date): number {
  const minutes = /^\d+$/.test(text) ? Number(text) : 0
  if (minutes <= 0 || minutes > 2 ** 31) throw new UsageError(`invalid --stop-after value: ${text}`)
  return now.getTime() + minutes * 60_000
}
