/**
 * The simplest requests of HTTP/1.1, of which nearly all of a centre's clients send nothing else, read at once: GET or HEAD without a body,
 * with headers that everybody sends, each once, and spelled as everybody does. Whatever else comes is null: somebody else's, who knows all
 * of RFC 9112. What is taken here has one meaning, the same that any other parser gives it. docs/decisions/0052.
 */

export type PlainRequest = {
  readonly method: 'GET' | 'HEAD'
  /** As it came, with its query. */
  readonly target: string
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
}

/** Longer ones are rare. */
const MOST_CHARS = 4096
const VERSION = ' HTTP/1.1'
const END = '\r\n'
/** RFC 3986 §3.3, §3.4: what a path and a query are made of. */
const TARGET = /^\/[A-Za-z0-9/._~!$&'()*+,;=:@%?-]*$/
/** RFC 9110 §5.5, without bytes above ASCII, tabs, and blanks at either end. */
const VALUE = /^[!-~](?:[ -~]*[!-~])?$/
/** None of them tells how long a message is, or what becomes of the connection. */
const HEADERS: ReadonlySet<string> = new Set([
  ...['host', 'user-agent', 'accept', 'accept-encoding', 'accept-language', 'referer'],
  ...['range', 'if-range', 'if-none-match', 'if-modified-since', 'cache-control', 'pragma'],
  ...['x-forwarded-for', 'dnt', 'sec-fetch-dest', 'sec-fetch-mode', 'sec-fetch-site'],
  ...['sec-fetch-user', 'upgrade-insecure-requests', 'priority', 'want-digest'],
])
/** What is so without being said. RFC 9112 §9.3. */
const KEEP_ALIVE = /^keep-alive$/i

/** @param text all that came, one char a byte: exactly one request, or null */
export function plainRequest(text: string): PlainRequest | null {
  if (text.length > MOST_CHARS) return null
  const method = text.startsWith('GET /') ? 'GET' : text.startsWith('HEAD /') ? 'HEAD' : null
  const line = text.indexOf(END)
  if (method === null || line < 0 || !text.endsWith(VERSION, line)) return null
  const target = text.slice(method.length + 1, line - VERSION.length)
  if (!TARGET.test(target)) return null
  const headers = new Map<string, string>()
  let at = line + END.length
  for (;;) {
    const stop = text.indexOf(END, at)
    if (stop < 0) return null
    if (stop === at) break
    const colon = text.indexOf(': ', at)
    if (colon < 0 || colon > stop) return null
    const name = text.slice(at, colon).toLowerCase()
    const value = text.slice(colon + 2, stop)
    if (!VALUE.test(value)) return null
    if (HEADERS.has(name) && !headers.has(name)) headers.set(name, value)
    else if (name !== 'connection' || headers.has(name) || !KEEP_ALIVE.test(value)) return null
    else headers.set(name, value)
    at = stop + END.length
  }
  return at + END.length === text.length && headers.has('host') ? { method, target, headers } : null
}
