/** The centre's HTTP surface: heads, batches and contents for nodes, files for everybody. */

import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import { type ByteName, byteName, displayName, nameFault, ROOT_NAME } from '../base/byte-name.js'
import { utf8Bytes } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { conditionOf } from '../base/http-conditions.js'
import { LIMITS } from '../base/limits.js'
import type { Entry } from '../flist/entry.js'
import { parseRootHex } from '../hash/root.js'
import type { Holding } from '../host.js'
import { type BatchItem, decodeBatchRequest, encodeBatchPart } from '../snapshot/batch.js'
import { WIRE_PORT_HEADER } from './centre.js'
import type { ServedModule } from './module.js'
import { formatStatus, type ModuleStatus } from './module-status.js'
import type { TorrentDesk } from './torrent-desk.js'
import { decodePath, encodePath } from './url-path.js'

const deflate = promisify(deflateRaw)

/** What is read and sent at once. */
const CHUNK = 256 * 1024
/** Private names below a module: not files. */
const PRIVATE = '.~prsync~'
const TORRENT = '.torrent'

export type Routes = {
  readonly modules: ReadonlyMap<string, ServedModule>
  /** Announce and scrape; null for other paths. */
  readonly tracker: (request: HttpRequest) => HttpAnswer | null
  /** Null before anything is published. */
  readonly status: (module: ServedModule) => ModuleStatus | null
  readonly torrents: TorrentDesk
  /** What an admin may ask; null for other paths. */
  readonly admin: (request: HttpRequest) => HttpAnswer | null
}

export async function route(routes: Routes, request: HttpRequest): Promise<HttpAnswer> {
  const tracked = routes.tracker(request)
  if (tracked !== null) return tracked
  const asked = routes.admin(request)
  if (asked !== null) return asked
  const path = request.path.startsWith('/') ? decodePath(request.path) : null
  if (path === null) return text(400, 'malformed path\n')
  const [, first = '', ...rest] = path.split('/')
  if (first === '')
    return text(200, [...routes.modules.keys()].map((name) => `${name}/\n`).join(''))
  const module = routes.modules.get(first)
  if (module === undefined) return text(404, `no module ${displayName(first)}\n`)
  if (rest[0] === PRIVATE) return privateRoute(routes, module, rest.slice(1), request)
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD')
  return fileRoute(routes, module, rest.join('/').replace(/\/+$/, ''), request)
}

function privateRoute(
  routes: Routes,
  module: ServedModule,
  rest: readonly string[],
  request: HttpRequest,
): HttpAnswer | Promise<HttpAnswer> {
  const [what, argument] = rest
  if (what === 'head') return headRoute(module, request)
  if (what === 'status') return statusRoute(routes.status(module))
  if (what === 'contents') {
    return request.method === 'POST' ? batchRoute(module, request) : notAllowed('POST')
  }
  if (what === 'sums' && argument !== undefined) return sumsRoute(module, argument)
  if (what === 'hashes' && argument !== undefined) return hashesRoute(module, argument, request)
  const root = what === 'content' && argument !== undefined ? parseRootHex(argument) : null
  const holding = root === null ? null : module.contents.find(root)
  if (holding === null) return text(404, 'no such content\n')
  return holdingAnswer(module, holding, request, {
    'content-type': 'application/octet-stream',
    etag: `"${argument}"`,
  })
}

/** √size sums of a content that no snapshot names any, made when first asked for. */
async function sumsRoute(module: ServedModule, hex: string): Promise<HttpAnswer> {
  const root = parseRootHex(hex)
  const bytes = root === null ? null : await module.sums(root)
  if (bytes === null) return text(404, 'no such sums\n')
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': `${bytes.length}`,
  }
  return { status: 200, headers, body: bytes }
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
  if (packed === null) return text(404, 'no such hashes\n')
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': `${packed.length}`,
  }
  return { status: 200, headers, body: packed }
}

function headRoute(module: ServedModule, request: HttpRequest): HttpAnswer {
  const { current, digest } = module
  if (current === null) return text(503, 'nothing published yet\n', { 'retry-after': '5' })
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
  if (status === null) return text(503, 'nothing published yet\n', { 'retry-after': '5' })
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return text(200, formatStatus(status), headers)
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

function fileRoute(
  routes: Routes,
  module: ServedModule,
  path: string,
  request: HttpRequest,
): HttpAnswer | Promise<HttpAnswer> {
  const name = path === '' ? ROOT_NAME : byteName(path)
  if (name !== ROOT_NAME && nameFault(name) !== null) return text(404, 'no such file\n')
  const entry = module.entry(name)
  if (entry === null) {
    const torrent = torrentRoute(routes, module, name)
    return torrent ?? text(404, 'no such file\n')
  }
  if (entry.kind === 'directory') return listing(module, name, entry.page, request)
  if (entry.kind !== 'file') return text(404, 'not a file\n')
  const headers = fileHeaders(entry)
  if (entry.content === null)
    return (
      conditionAnswer(request, headers) ?? {
        status: 200,
        headers: { ...headers, 'content-length': '0' },
      }
    )
  const holding = module.holding(entry)
  if (holding === null) return text(503, 'the file is being replaced\n', { 'retry-after': '60' })
  return holdingAnswer(module, holding, request, headers)
}

/** `NAME.torrent` of a file NAME, where no file of that name stands itself. */
function torrentRoute(
  routes: Routes,
  module: ServedModule,
  name: ByteName,
): Promise<HttpAnswer> | null {
  if (!name.endsWith(TORRENT)) return null
  const of = byteName(name.slice(0, -TORRENT.length))
  const entry = nameFault(of) === null ? module.entry(of) : null
  if (entry?.kind !== 'file' || entry.content === null) return null
  return torrentAnswer(routes.torrents.file(module, of, entry.content))
}

async function torrentAnswer(file: Promise<Uint8Array | null>): Promise<HttpAnswer> {
  const body = await file
  if (body === null) return text(503, 'the file is being replaced\n', { 'retry-after': '60' })
  const headers = {
    'content-type': 'application/x-bittorrent',
    'content-length': `${body.length}`,
    'cache-control': 'no-cache',
  }
  return { status: 200, headers, body }
}

function fileHeaders(entry: Entry): Record<string, string> {
  const mtimeMs = Number(entry.mtimeNs / 1_000_000n)
  const size = entry.kind === 'file' ? (entry.content?.length ?? 0) : 0
  return {
    'content-type': 'application/octet-stream',
    'last-modified': new Date(mtimeMs).toUTCString(),
    etag: `"${Math.floor(mtimeMs / 1000).toString(16)}-${size.toString(16)}"`,
  }
}

/** What a condition of the client's makes of the request; null: it is answered as if there were none. */
function conditionAnswer(request: HttpRequest, headers: Record<string, string>): HttpAnswer | null {
  const validators = { etag: headers['etag'] ?? '', lastModified: headers['last-modified'] }
  const condition = conditionOf(request.headers, validators)
  if (condition === 'send') return null
  return condition === 'not-modified'
    ? { status: 304, headers }
    : text(412, 'it is not what the condition says\n')
}

function holdingAnswer(
  module: ServedModule,
  holding: Holding,
  request: HttpRequest,
  headers: Record<string, string>,
): HttpAnswer {
  const etag = headers['etag'] ?? ''
  const conditional = conditionAnswer(request, headers)
  if (conditional !== null) return conditional
  const all = { ...headers, 'accept-ranges': 'bytes' }
  const range = parseRange(request.headers.get('range') ?? '', holding.length)
  if (range === 'unsatisfiable')
    return text(416, 'range past the end\n', { 'content-range': `bytes */${holding.length}` })
  const ifRange = request.headers.get('if-range')
  if (
    range === null ||
    (ifRange !== undefined && ifRange !== etag && ifRange !== headers['last-modified'])
  ) {
    return {
      status: 200,
      headers: { ...all, 'content-length': `${holding.length}` },
      body: bodyOf(module, holding, 0, holding.length),
    }
  }
  const { start, end } = range
  return {
    status: 206,
    headers: {
      ...all,
      'content-length': `${end - start}`,
      'content-range': `bytes ${start}-${end - 1}/${holding.length}`,
    },
    body: bodyOf(module, holding, start, end),
  }
}

async function* bodyOf(
  module: ServedModule,
  holding: Holding,
  start: number,
  end: number,
): AsyncIterable<Uint8Array> {
  for (let at = start; at < end; at += CHUNK) {
    const bytes = await holding.read(at, Math.min(CHUNK, end - at))
    module.httpSent += bytes.length
    yield bytes
  }
}

/** One range of bytes, RFC 9110 §14; several at once are answered with the whole, which is allowed. */
function parseRange(
  header: string,
  length: number,
): { start: number; end: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim())
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

function listing(
  module: ServedModule,
  name: ByteName,
  page: Parameters<ServedModule['list']>[0],
  request: HttpRequest,
): HttpAnswer {
  if (!request.path.endsWith('/'))
    return { status: 301, headers: { location: `${request.path}/`, 'content-length': '0' } }
  const rows = module.list(page).map((entry) => {
    const slash = entry.kind === 'directory' ? '/' : ''
    const size = entry.kind === 'file' ? `${entry.content?.length ?? 0}` : ''
    return `<tr><td><a href="${encodePath(entry.base)}${slash}">${html(displayName(entry.base))}${slash}</a></td><td>${size}</td></tr>`
  })
  const title = html(`/${module.name}/${name === ROOT_NAME ? '' : displayName(name)}`)
  return text(
    200,
    `<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><table>${rows.join('\n')}</table>\n`,
    { 'content-type': 'text/html; charset=utf-8' },
  )
}

function html(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
}

function notAllowed(allow: string): HttpAnswer {
  return text(405, 'method not allowed\n', { allow })
}
function text(status: number, body: string, headers: Record<string, string> = {}): HttpAnswer {
  const bytes = utf8Bytes(body)
  return {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': `${bytes.length}`,
      ...headers,
    },
    body: bytes,
  }
}
