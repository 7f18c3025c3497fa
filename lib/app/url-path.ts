/** Names in URLs: percent-encoded, byte by byte, as names need not be UTF-8. RFC 3986 §2. */

const UNRESERVED = /^[A-Za-z0-9._~/-]*$/

/** @param latin1 one char per byte; `/` stands for itself */
export function encodePath(latin1: string): string {
  if (UNRESERVED.test(latin1)) return latin1
  return latin1.replace(
    /[^A-Za-z0-9._~/-]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** Nothing of it is escaped, nor has to be. */
const PLAIN = /^[\x21-\x24\x26-\x7e]*$/

/** One char per byte, or null where a `%` is no escape. */
export function decodePath(path: string): string | null {
  if (PLAIN.test(path)) return path
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return null
  const utf8 = Buffer.from(path, 'utf8').toString('latin1')
  return utf8.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
