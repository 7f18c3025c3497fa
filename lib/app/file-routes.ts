/** Names of a module to ordinary HTTP clients: a file, a directory, or another form of a file. */
import { type ByteName, byteName, nameFault, ROOT_NAME } from '../base/byte-name.js'
import { EMPTY } from '../base/bytes.js'
import { FileError } from '../base/errors.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { bytesAnswer, textAnswer } from '../base/http-answers.js'
import { type FileEntry, sizeOf } from '../flist/entry.js'
import { digestsOf } from '../hash/digests.js'
import { SMALL_BYTES } from '../hash/unit.js'
import { fileHeaders } from '../mirror/file-headers.js'
import { type GivenBytes, withBytes, withoutBytes } from './file-answer.js'
import { type Found, follow } from './followed.js'
import { directoryPage } from './listing.js'
import type { ServedModule } from './module.js'
import type { TorrentDesk } from './torrent-desk.js'
import { encodePath } from './url-path.js'

export type FileDesk = {
  readonly torrents: TorrentDesk
  /** What the centre is called, as in `http://centre:8730`: never taken from a request. */
  readonly origin: () => string
}

const TORRENT = '.torrent'
const LATER = { 'retry-after': '5' }

/** @param path below the module, decoded; `/` at its end do not count */
export function fileRoute(
  desk: FileDesk,
  module: ServedModule,
  path: string,
  request: HttpRequest,
): HttpAnswer | Promise<HttpAnswer> {
  if (module.current === null) return textAnswer(503, 'nothing published yet\n', LATER)
  const plain = path.replace(/\/+$/, '')
  const name = plain === '' ? ROOT_NAME : byteName(plain)
  if (name !== ROOT_NAME && nameFault(name) !== null) return textAnswer(404, 'no such file\n')
  const found = follow(name, (each) => module.entry(each))
  if (found === null) return otherForm(desk, module, name) ?? textAnswer(404, 'no such file\n')
  const { entry } = found
  if (entry.kind === 'directory') return directoryPage(module, name, entry.page, request)
  if (entry.kind !== 'file') return textAnswer(404, 'not a file\n')
  if (found.byLink && sizeOf(entry) >= SMALL_BYTES) return elsewhere(desk, module, found.name)
  return fileAnswer(module, found, entry, request)
}

/**
 * A name such as `latest.iso` sends large downloads to the name that stays: who goes on tomorrow goes on with the same file. 302, as
 * it may lead elsewhere by then.
 */
function elsewhere(desk: FileDesk, module: ServedModule, name: ByteName): HttpAnswer {
  const location = `${desk.origin()}/${module.name}/${encodePath(name)}`
  return textAnswer(302, `${location}\n`, { location, 'cache-control': 'no-store' })
}

async function fileAnswer(
  module: ServedModule,
  { name, byLink }: Found,
  entry: FileEntry,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const bytes = await bytesOf(module, entry)
  if (bytes === null)
    return textAnswer(503, 'the file is being replaced\n', { 'retry-after': '60' })
  const { sha256 } = bytes
  const mtimeMs = Number(entry.mtimeNs / 1_000_000n)
  const headers = fileHeaders({ name, byLink, size: bytes.length, mtimeMs, sha256 })
  return (
    withoutBytes(request, headers, bytes.length) ??
    withBytes(request, headers, bytes, (length) => (module.httpSent += length))
  )
}

type FileBytes = GivenBytes & { readonly sha256: Uint8Array | null }

/** Short ones are read now, with their digest; null where the bytes are not there now. */
async function bytesOf(module: ServedModule, entry: FileEntry): Promise<FileBytes | null> {
  if (entry.content === null) return inMemory(EMPTY)
  const holding = module.holding(entry)
  if (holding === null) return null
  const { length } = holding
  if (length > SMALL_BYTES) {
    const sha256 = module.digests.known(entry.content)?.sha256 ?? null
    return { length, read: (offset, n) => holding.read(offset, n), sha256 }
  }
  try {
    return inMemory(await holding.read(0, length))
  } catch (error) {
    if (error instanceof FileError) return null
    throw error
  }
}

function inMemory(bytes: Uint8Array): FileBytes {
  return {
    length: bytes.length,
    read: (offset, n) => Promise.resolve(bytes.subarray(offset, offset + n)),
    sha256: digestsOf(bytes).sha256,
  }
}

/** `NAME.torrent` of a file NAME, where no file of that name stands itself. */
function otherForm(
  desk: FileDesk,
  module: ServedModule,
  name: ByteName,
): Promise<HttpAnswer> | null {
  if (!name.endsWith(TORRENT)) return null
  const of = byteName(name.slice(0, -TORRENT.length))
  const found = nameFault(of) === null ? follow(of, (each) => module.entry(each)) : null
  if (found?.entry.kind !== 'file' || found.entry.content === null) return null
  return torrentAnswer(desk.torrents.file(module, found.name, found.entry.content))
}

async function torrentAnswer(file: Promise<Uint8Array | null>): Promise<HttpAnswer> {
  const body = await file
  if (body === null) return textAnswer(503, 'the file is being replaced\n', { 'retry-after': '60' })
  return bytesAnswer(200, body, {
    'content-type': 'application/x-bittorrent',
    'cache-control': 'no-cache',
  })
}
