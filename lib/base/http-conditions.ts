/** Conditional requests: RFC 9110 §13. What a client has, beside what stands → whether to send it. */

export type Validators = {
  /** Strong, with its quotes. */
  readonly etag: string
  /** An HTTP date; undefined: not known. */
  readonly lastModified: string | undefined
}

/** Does the client ask for something else than the whole, or on a condition? Most do not, and are answered sooner. */
export function isConditional(headers: ReadonlyMap<string, string>): boolean {
  for (const name of CONDITIONAL) if (headers.has(name)) return true
  return false
}
const CONDITIONAL = [
  'range',
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
]

/** In the order of RFC 9110 §13.2.2: tags count before times. */
export function conditionOf(
  headers: ReadonlyMap<string, string>,
  { etag, lastModified }: Validators,
): 'send' | 'not-modified' | 'failed' {
  const match = headers.get('if-match')
  const unmodified = timeOf(headers.get('if-unmodified-since'))
  const modified = timeOf(lastModified)
  if (match !== undefined) {
    if (!names(match, etag, false)) return 'failed'
  } else if (unmodified !== null && modified !== null && modified > unmodified) {
    return 'failed'
  }
  const noneMatch = headers.get('if-none-match')
  if (noneMatch !== undefined) return names(noneMatch, etag, true) ? 'not-modified' : 'send'
  const since = timeOf(headers.get('if-modified-since'))
  return since !== null && modified !== null && modified <= since ? 'not-modified' : 'send'
}

/** Are ranges of the client's still ranges of this? RFC 9110 §13.1.5: tags strongly, times to the second. */
export function rangeStands(
  headers: ReadonlyMap<string, string>,
  { etag, lastModified }: Validators,
): boolean {
  const wanted = headers.get('if-range')
  return wanted === undefined || wanted === etag || wanted === lastModified
}

/** @param weakly §8.8.3.2: `W/"x"` is as good as `"x"` */
function names(list: string, etag: string, weakly: boolean): boolean {
  if (list.trim() === '*') return true
  for (const [, weak, tag] of list.matchAll(/(W\/)?("[^"]*")/g))
    if (tag === etag && (weakly || weak === undefined)) return true
  return false
}
/** Seconds since the epoch; null: no date, and then there is no condition. */
function timeOf(text: string | undefined): number | null {
  const ms = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000)
}
