/** A file to an HTTP client, whole or in ranges, at the centre and at a volunteer: RFC 9110 §13 and §14. */
import { hash } from 'node:crypto'
import { utf8Bytes } from '../base/bytes.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { textAnswer } from '../base/http-answers.js'
import { conditionOf, rangeStands, type Validators } from '../base/http-conditions.js'
import { type ByteRange, contentRange, parseRanges } from '../base/http-range.js'
import type { Holding } from '../host.js'

/** What is read and sent at once. */
export const CHUNK = 256 * 1024

/** The headers of its 200, without a Content-Length. */
export type FileHeaders = Readonly<Record<string, string>>
export type GivenBytes = Pick<Holding, 'length' | 'read'>

/** What goes with a 304: RFC 9110 §15.4.5. */
const OF_304 = ['etag', 'last-modified', 'cache-control', 'vary']

/** 304, 412 or 416, which need no bytes; null: it is to be sent. */
export function withoutBytes(
  request: HttpRequest,
  headers: FileHeaders,
  length: number,
): HttpAnswer | null {
  const condition = conditionOf(request.headers, validatorsIn(headers))
  if (condition === 'not-modified') {
    const kept = Object.entries(headers).filter(([name]) => OF_304.includes(name))
    return { status: 304, headers: Object.fromEntries(kept) }
  }
  if (condition === 'failed') return textAnswer(412, 'it is not what the condition says\n')
  if (rangesOf(request, headers, length) !== 'unsatisfiable') return null
  return textAnswer(416, 'range past the end\n', { 'content-range': `bytes */${length}` })
}

/** 200 or 206, of a request to which `withoutBytes` had nothing to say. @param sent hears of bytes as they are read */
export function withBytes(
  request: HttpRequest,
  headers: FileHeaders,
  bytes: GivenBytes,
  sent: (length: number) => void,
): HttpAnswer {
  const { length } = bytes
  const ranges = rangesOf(request, headers, length)
  if (ranges === null || ranges === 'unsatisfiable')
    return {
      status: 200,
      headers: { ...headers, 'content-length': `${length}` },
      body: read(bytes, { start: 0, end: length }, sent),
    }
  const [range, another] = ranges
  if (range === undefined || another !== undefined)
    return severalRanges(headers, bytes, ranges, sent)
  return {
    status: 206,
    headers: {
      ...headers,
      'content-length': `${range.end - range.start}`,
      'content-range': contentRange(range, length),
    },
    body: read(bytes, range, sent),
  }
}

/** Of a GET: for no other method are ranges defined (§14.2). An empty file has none that could be sent. */
function rangesOf(
  request: HttpRequest,
  headers: FileHeaders,
  length: number,
): ReturnType<typeof parseRanges> {
  if (request.method !== 'GET' || length === 0) return null
  if (!rangeStands(request.headers, validatorsIn(headers))) return null
  return parseRanges(request.headers.get('range'), length)
}

/** multipart/byteranges, §14.6. */
function severalRanges(
  headers: FileHeaders,
  bytes: GivenBytes,
  ranges: readonly ByteRange[],
  sent: (length: number) => void,
): HttpAnswer {
  const { 'content-type': type = '', ...rest } = headers
  const boundary = hash('sha256', `${headers['etag']} ${JSON.stringify(ranges)}`).slice(0, 32)
  const heads = ranges.map((range) =>
    utf8Bytes(
      `\r\n--${boundary}\r\ncontent-type: ${type}\r\ncontent-range: ${contentRange(range, bytes.length)}\r\n\r\n`,
    ),
  )
  const end = utf8Bytes(`\r\n--${boundary}--\r\n`)
  async function* body(): AsyncIterable<Uint8Array> {
    for (const [i, range] of ranges.entries()) {
      const head = heads[i]
      if (head !== undefined) yield head
      yield* read(bytes, range, sent)
    }
    yield end
  }
  const inRanges = ranges.reduce((sum, range) => sum + range.end - range.start, 0)
  const inHeads = heads.reduce((sum, head) => sum + head.length, end.length)
  return {
    status: 206,
    headers: {
      ...rest,
      'content-type': `multipart/byteranges; boundary=${boundary}`,
      'content-length': `${inRanges + inHeads}`,
    },
    body: body(),
  }
}

async function* read(
  bytes: GivenBytes,
  { start, end }: ByteRange,
  sent: (length: number) => void,
): AsyncIterable<Uint8Array> {
  for (let at = start; at < end; at += CHUNK) {
    const part = await bytes.read(at, Math.min(CHUNK, end - at))
    sent(part.length)
    yield part
  }
}

function validatorsIn(headers: FileHeaders): Validators {
  return { etag: headers['etag'] ?? '', lastModified: headers['last-modified'] }
}
