/** Other forms of a file that a client asks for by a suffix or by what it accepts: torrent, sum, metalink, list of volunteers, why. */
import { type ByteName, baseOf, byteName, displayName, nameFault } from '../base/byte-name.js'
import { EMPTY, latin1Of, utf8Bytes } from '../base/bytes.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { bytesAnswer, textAnswer } from '../base/http-answers.js'
import { type FileEntry, sizeOf } from '../flist/entry.js'
import { type Digests, digestsOf } from '../hash/digests.js'
import { encodeMetalink, METALINK_TYPE } from '../mirror/metalink.js'
import { sumLine } from '../mirror/sum-line.js'
import { follow } from './followed.js'
import type { ServedModule } from './module.js'
import { type RedirectDesk, STAY, type Wanted } from './redirect-desk.js'
import type { TorrentDesk } from './torrent-desk.js'
import { encodePath } from './url-path.js'
import { whyAnswer } from './why-page.js'

export type FormDesk = {
  readonly torrents: TorrentDesk
  /** Null: nobody volunteers. */
  readonly redirects: RedirectDesk | null
  /** What the centre is called, as in `http://centre:8730`: never taken from a request. */
  readonly origin: () => string
}

export const METALINK = '.meta4'
const NOW = { 'cache-control': 'no-cache' }

export type FormFile = {
  readonly module: ServedModule
  /** Without links. */
  readonly name: ByteName
  readonly entry: FileEntry
  /** As the client calls it. */
  readonly asked: ByteName
}
/** Null: its bytes are not there now. */
type Form = (desk: FormDesk, file: FormFile, request: HttpRequest) => Promise<HttpAnswer | null>

const FORMS: ReadonlyMap<string, Form> = new Map([
  ['.torrent', torrentForm],
  ['.sha256', sumForm],
  [METALINK, metalinkForm],
  ['.mirrorlist', listForm],
])

/** Of a file NAME, where no file called NAME with that suffix stands itself; null: there is no such form, or no such file. */
export function otherForm(
  desk: FormDesk,
  module: ServedModule,
  name: ByteName,
  request: HttpRequest,
): Promise<HttpAnswer> | null {
  const [suffix = ''] = /\.[a-z0-9]+$/.exec(name) ?? []
  const form = FORMS.get(suffix)
  const asked = byteName(name.slice(0, -suffix.length))
  if (form === undefined || nameFault(asked) !== null) return null
  const found = follow(asked, (each) => module.entry(each))
  if (found?.entry.kind !== 'file') return null
  const file = { module, name: found.name, entry: found.entry, asked }
  return form(desk, file, request).then(
    (answer) => answer ?? textAnswer(503, 'the file is being replaced\n', { 'retry-after': '60' }),
  )
}

async function torrentForm(
  desk: FormDesk,
  { module, name, entry }: FormFile,
): Promise<HttpAnswer | null> {
  if (entry.content === null) return textAnswer(404, 'no torrent of an empty file\n')
  const body = await desk.torrents.file(module, name, entry.content)
  const type = { 'content-type': 'application/x-bittorrent' }
  return body === null ? null : bytesAnswer(200, body, { ...type, ...NOW })
}

/** Under the name that was asked: what a client saved it as. */
async function sumForm(_desk: FormDesk, file: FormFile): Promise<HttpAnswer | null> {
  const digests = await digestsFor(file)
  if (digests === null) return null
  const type = { 'content-type': 'text/plain; charset=utf-8' }
  return bytesAnswer(200, sumLine(digests.sha256, baseOf(file.asked)), { ...type, ...NOW })
}

async function metalinkForm(
  desk: FormDesk,
  file: FormFile,
  request: HttpRequest,
): Promise<HttpAnswer | null> {
  const digests = await digestsFor(file)
  return digests === null ? null : metalinkOf(desk, file, digests, request)
}

/** Volunteers by priority, the centre last. */
export function metalinkOf(
  desk: FormDesk,
  file: FormFile,
  digests: Digests,
  request: HttpRequest,
): HttpAnswer {
  const name = displayName(baseOf(file.asked))
  const xml = encodeMetalink({
    name,
    size: sizeOf(file.entry),
    mtimeMs: Number(file.entry.mtimeNs / 1_000_000n),
    digests,
    urls: urlsOf(desk, file, request),
  })
  return textAnswer(200, xml, {
    'content-type': METALINK_TYPE,
    'content-disposition': disposition(`${name}${METALINK}`),
    'cache-control': 'no-store',
    vary: 'Accept',
  })
}

/** Else aria2 saves the metalink in the file's own place, and the file beside it. RFC 6266, RFC 8187. */
function disposition(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9 ._+~-]/g, '_')
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodePath(latin1Of(utf8Bytes(name)))}`
}

async function listForm(desk: FormDesk, file: FormFile, request: HttpRequest): Promise<HttpAnswer> {
  const lines = urlsOf(desk, file, request).map((url) => `${url}\n`)
  return textAnswer(200, lines.join(''), { 'cache-control': 'no-store' })
}

/** `?why`: what would be decided for this client, with its reasons. */
export function whyForm(desk: FormDesk, file: FormFile, request: HttpRequest): HttpAnswer {
  const { module, name, entry } = file
  const wanted = wantedOf(file)
  const explained = wanted === null ? null : desk.redirects?.explain(request, wanted)
  const subject = { module: module.name, name, size: sizeOf(entry) }
  return whyAnswer(subject, explained ?? null, request)
}

/** Is the token named by what the client accepts? Every other one takes anything. */
export function acceptsMetalink({ headers }: HttpRequest): boolean {
  const accepted = headers.get('accept')
  if (accepted === undefined) return false
  return accepted.split(',').some((range) => {
    const [token = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return token === METALINK_TYPE && !parameters.some((each) => /^q=0(\.0*)?$/.test(each))
  })
}

function urlsOf(desk: FormDesk, file: FormFile, request: HttpRequest): string[] {
  const wanted = wantedOf(file)
  const path = `/${file.module.name}/${encodePath(file.name)}`
  const volunteers = wanted === null ? [] : (desk.redirects?.list(request, wanted) ?? [])
  const here = `${desk.origin()}${path}${volunteers.length === 0 ? '' : `?${STAY}`}`
  return [...volunteers.map(({ baseUrl }) => baseUrl + path), here]
}

/** Null for an empty file, which is never sent elsewhere. */
function wantedOf({ module, name, entry }: FormFile): Wanted | null {
  const { content, since } = entry
  return content === null ? null : { module: module.name, name, content, since, isHere: true }
}

function digestsFor({ module, entry }: FormFile): Promise<Digests | null> {
  return entry.content === null
    ? Promise.resolve(digestsOf(EMPTY))
    : module.digests.made(entry.content)
}
