/** What nodes ask the centre for, below `/NAME/.~prsync~/`: heads, pages and contents, sums, hashes, and how the module stands. */

import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import { WireError } from '../base/errors.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { bytesAnswer, notAllowed, textAnswer } from '../base/http-answers.js'
import { LIMITS } from '../base/limits.js'
import { parseRootHex } from '../hash/root.js'
import { type BatchItem, decodeBatchRequest, encodeBatchPart } from '../snapshot/batch.js'
import { WIRE_PORT_HEADER } from './centre.js'
import { CHUNK, withBytes, withoutBytes } from './file-answer.js'
import type { ServedModule } from './module.js'
import { formatStatus, type ModuleStatus } from './module-status.js'

const deflate = promisify(deflateRaw)
const BYTES = { 'content-type': 'application/octet-stream' }

/** @param rest the components after `.~prsync~` */
export function nodeRoute(
  module: ServedModule,
  status: (module: ServedModule) => ModuleStatus | null,
  rest: readonly string[],
  request: HttpRequest,
): HttpAnswer | Promise<HttpAnswer> {
  const [what, argument] = rest
  if (what === 'head') return headRoute(module, request)
  if (what === 'status') return statusRoute(status(module))
  if (what === 'contents') {
    return request.method === 'POST' ? batchRoute(module, request) : notAllowed('POST')
  }
  if (what === 'sums' && argument !== undefined) return sumsRoute(module, argument)
  if (what === 'hashes' && argument !== undefined) return hashesRoute(module, argument, request)
  if (what === 'content' && argument !== undefined) return contentRoute(module, argument, request)
  return textAnswer(404, 'no such content\n')
}

function contentRoute(module: ServedModule, hex: string, request: HttpRequest): HttpAnswer {
  const root = parseRootHex(hex)
  const holding = root === null ? null : module.contents.find(root)
  if (holding === null) return textAnswer(404, 'no such content\n')
  const headers = { ...BYTES, etag: `"${hex}"`, 'accept-ranges': 'bytes' }
  return (
    withoutBytes(request, headers, holding.length) ??
    withBytes(request, headers, holding, (length) => (module.httpSent += length))
  )
}

/** √size sums of a content that no snapshot names any, made when first asked for. */
async function sumsRoute(module: ServedModule, hex: string): Promise<HttpAnswer> {
  const root = parseRootHex(hex)
  const bytes = root === null ? null : await module.sums(root)
  if (bytes === null) return textAnswer(404, 'no such sums\n')
  return bytesAnswer(200, bytes, BYTES)
}

/** Leaf hashes with their uncles, for a node that no peer gives them. */
function hashesRoute(module: ServedModule, hex: string, request: HttpRequest): HttpAnswer {
  const root = parseRootHex(hex)
  const query = new URLSearchParams(request.query)
  const field = (name: string): number => Number(query.get(name) ?? Number.NaN)
  const range = {
    baseLayer: field('base'),
    index: field('index'),
    length: field('length'),
    proofLayers: field('proof'),
  }
  const packed =
    root === null
      ? null
      : module.proofs.answer(root, () => module.contents.find(root)?.leaves() ?? null, range)
  if (packed === null) return textAnswer(404, 'no such hashes\n')
  return bytesAnswer(200, packed, BYTES)
}

function headRoute(module: ServedModule, request: HttpRequest): HttpAnswer {
  const { current, digest } = module
  if (current === null) return textAnswer(503, 'nothing published yet\n', { 'retry-after': '5' })
  const port = module.wirePort === null ? {} : { [WIRE_PORT_HEADER]: `${module.wirePort}` }
  const headers = {
    ...port,
    etag: `"${digest}"`,
    'cache-control': 'no-cache',
    'content-type': 'text/plain; charset=utf-8',
  }
  if (request.headers.get('if-none-match') === headers.etag) return { status: 304, headers }
  return {
    status: 200,
    headers: { ...headers, 'content-length': `${current.signed.length}` },
    body: current.signed,
  }
}

function statusRoute(status: ModuleStatus | null): HttpAnswer {
  if (status === null) return textAnswer(503, 'nothing published yet\n', { 'retry-after': '5' })
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return textAnswer(200, formatStatus(status), headers)
}

async function batchRoute(module: ServedModule, request: HttpRequest): Promise<HttpAnswer> {
  const items = decodeBatchRequest(await request.body(LIMITS.batchContents * 80))
  const total = items.reduce((sum, item) => sum + item.content.length, 0)
  if (total > LIMITS.batchBytes) throw new WireError(`batch of ${total} bytes`)
  return {
    status: 200,
    headers: { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' },
    body: batchBody(module, items),
  }
}

async function* batchBody(
  module: ServedModule,
  items: readonly BatchItem[],
): AsyncIterable<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for (const item of items) {
    const part = await batchPart(module, item)
    parts.push(part)
    size += part.length
    module.httpSent += part.length
    if (size < CHUNK) continue
    yield Buffer.concat(parts.splice(0))
    size = 0
  }
  if (parts.length > 0) yield Buffer.concat(parts)
}

async function batchPart(module: ServedModule, { content, basis }: BatchItem): Promise<Uint8Array> {
  const page = module.store.blob(content.root)
  if (page !== null) {
    const dictionary = basis === null ? null : module.store.blob(basis)
    const packed = await deflate(page, dictionary === null ? {} : { dictionary })
    if (packed.length < page.length)
      return encodeBatchPart({
        form: dictionary === null ? 'deflated' : 'against-basis',
        bytes: packed,
      })
    return encodeBatchPart({ form: 'plain', bytes: page })
  }
  const holding = module.contents.find(content.root)
  if (holding === null || holding.length !== content.length)
    return encodeBatchPart({ form: 'missing', bytes: new Uint8Array(0) })
  return encodeBatchPart({ form: 'plain', bytes: await holding.read(0, holding.length) })
}
