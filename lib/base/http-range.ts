/** Ranges of bytes that a client asks for: RFC 9110 §14.1.2. A header and a length → what to send. */
import { LIMITS } from './limits.js'

/** From `start` to before `end`; never empty. */
export type ByteRange = { readonly start: number; readonly end: number }

/**
 * Null: the whole, which is always right: no header, one that is not understood, or ranges that overlap, go backwards or are
 * too many (§14.2 takes these for an attack or a broken client). Ranges that are past the end are left out.
 */
export function parseRanges(
  header: string | undefined,
  length: number,
): readonly ByteRange[] | 'unsatisfiable' | null {
  const [, list] = /^bytes=([\d,\- \t]+)$/i.exec(header?.trim() ?? '') ?? []
  if (list === undefined) return null
  const specs = list.split(',').map((spec) => spec.trim())
  if (specs.length > LIMITS.httpRanges) return null
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = parseRange(spec, length)
    if (range === null) return null
    if (range === 'unsatisfiable') continue
    if (range.start < (ranges.at(-1)?.end ?? 0)) return null
    ranges.push(range)
  }
  return ranges.length === 0 ? 'unsatisfiable' : ranges
}

function parseRange(spec: string, length: number): ByteRange | 'unsatisfiable' | null {
  const match = /^(\d*)-(\d*)$/.exec(spec)
  if (match === null) return null
  const [, from = '', to = ''] = match
  if (from === '' && to === '') return null
  if (from === '') {
    const last = Number(to)
    return last === 0 ? 'unsatisfiable' : { start: Math.max(0, length - last), end: length }
  }
  const start = Number(from)
  const end = to === '' ? length : Math.min(length, Number(to) + 1)
  if (start >= length) return 'unsatisfiable'
  return end > start ? { start, end } : null
}

/** As it stands in `Content-Range`, §14.4. */
export function contentRange({ start, end }: ByteRange, length: number): string {
  return `bytes ${start}-${end - 1}/${length}`
}
