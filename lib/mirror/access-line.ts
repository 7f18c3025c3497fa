/** A line of the access log: Apache's combined format with what became of the request after it, or the same as JSON. */
import type { AnswerNote } from '../base/http.js'

export type AccessFormat = 'combined' | 'json'

export type Access = {
  /** Milliseconds since the epoch. */
  readonly atMs: number
  readonly address: string
  readonly method: string
  /** Path and query, as they came. */
  readonly target: string
  readonly status: number
  /** Of the body, as far as it was sent. */
  readonly bytes: number
  readonly referrer: string | null
  readonly userAgent: string | null
  readonly note: AnswerNote | null
  /** From the request to the head of the answer, microseconds. */
  readonly tookUs: number
}

export function accessLine(access: Access, format: AccessFormat): string {
  return format === 'json' ? json(access) : combined(access)
}

function combined(access: Access): string {
  const { address, method, target, status, bytes, referrer, userAgent, note, tookUs } = access
  const quoted = (text: string | null): string => `"${text === null ? '-' : escaped(text)}"`
  const request = `${method} ${target} HTTP/1.1`
  const common = `${address} - - [${time(access.atMs)}] ${quoted(request)} ${status} ${bytes === 0 ? '-' : bytes}`
  const volunteer = note?.volunteer ?? '-'
  const more = `give=${giveOf(access)} vol=${volunteer} reason=${quoted(note?.reason ?? null)} rt_us=${Math.round(tookUs)}`
  return `${common} ${quoted(referrer)} ${quoted(userAgent)} ${more}\n`
}

function json(access: Access): string {
  const { atMs, note, tookUs, ...plain } = access
  const time = new Date(atMs).toISOString()
  const { volunteer = null, reason = null } = note ?? {}
  const told = { give: giveOf(access), volunteer, reason, tookUs: Math.round(tookUs) }
  return `${JSON.stringify({ time, ...plain, ...told })}\n`
}

/** `bounce`: a client that a volunteer sent back, whatever it is given now. */
function giveOf({ note, status, target }: Access): string {
  const back = /[?&]prsync-bounce=/.test(target) ? 'bounce+' : ''
  return back + (note?.give ?? (status === 304 ? '304' : '-'))
}

/** 29/Nov/2026:13:00:00 +0000 */
function time(atMs: number): string {
  const [, day, month, year, clock] =
    /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(atMs).toUTCString()) ?? []
  return `${day}/${month}/${year}:${clock} +0000`
}

/** What a client wrote cannot end a field or a line, nor move a terminal. */
function escaped(text: string): string {
  return text.replace(
    /["\\]|[^\x20-\x7e]/g,
    (c) => `\\x${(c.charCodeAt(0) & 0xff).toString(16).padStart(2, '0')}`,
  )
}
