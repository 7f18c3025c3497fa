/** The answers that many handlers give. */
import { utf8Bytes } from './bytes.js'
import type { HttpAnswer } from './http.js'

/** @param body UTF-8; plain text unless the headers say otherwise */
export function textAnswer(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const type = { 'content-type': 'text/plain; charset=utf-8' }
  return bytesAnswer(status, utf8Bytes(body), { ...type, ...headers })
}

export function bytesAnswer(
  status: number,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): HttpAnswer {
  return { status, headers: { ...headers, 'content-length': `${body.length}` }, body }
}

/** RFC 9110 §15.5.6. @param allow the methods that would do */
export function notAllowed(allow: string): HttpAnswer {
  return textAnswer(405, 'method not allowed\n', { allow })
}
