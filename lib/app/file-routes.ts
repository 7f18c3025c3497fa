/** Names of a module to ordinary HTTP clients: a file from here or from a volunteer, a directory, or another form of a file. */
import { type ByteName, byteName, nameFault, ROOT_NAME } from '../base/byte-name.js'
import { base64Of, EMPTY } from '../base/bytes.js'
import { FileError } from '../base/errors.js'
import type { AnswerNote, HttpAnswer, HttpRequest } from '../base/http.js'
import { textAnswer } from '../base/http-answers.js'
import { isConditional } from '../base/http-conditions.js'
import { type FileEntry, sizeOf } from '../flist/entry.js'
import { digestsOf } from '../hash/digests.js'
import { SMALL_BYTES } from '../hash/unit.js'
import { redirectAnswer } from '../mirror/answer.js'
import { clientClassOf, shunsMetalinks } from '../mirror/client-class.js'
import { fileHeaders, validatorsOf } from '../mirror/file-headers.js'
import { keptHere } from '../mirror/redirectable.js'
import { type GivenBytes, withBytes, withoutBytes } from './file-answer.js'
import {
  acceptsMetalink,
  type FormDesk,
  type FormFile,
  METALINK,
  metalinkOf,
  otherForm,
  whyForm,
} from './file-forms.js'
import { follow } from './followed.js'
import { directoryPage } from './listing.js'
import type { ServedModule } from './module.js'
import type { PopularFiles, ToldFile } from './popular-files.js'
import { type OwnReason, STAY } from './redirect-desk.js'
import { encodePath } from './url-path.js'

export type FileDesk = FormDesk & {
  /** Says on a redirect which volunteer it is, and why. */
  readonly saysWhy: boolean
  readonly popular: PopularFiles
}

const LATER = { 'retry-after': '5' }

/** @param path below the module, decoded; `/` at its end do not count */
export function fileRoute(
  desk: FileDesk,
  module: ServedModule,
  path: string,
  request: HttpRequest,
): HttpAnswer | Promise<HttpAnswer> {
  if (module.current === null) return textAnswer(503, 'nothing published yet\n', LATER)
  const told = wantsWhy(request) ? null : desk.popular.get(request.path, module.current)
  if (told !== null) return readAnswer(desk, told, request, null)
  const plain = path.endsWith('/') ? path.replace(/\/+$/, '') : path
  const name = plain === '' ? ROOT_NAME : byteName(plain)
  if (name !== ROOT_NAME && nameFault(name) !== null) return textAnswer(404, 'no such file\n')
  const found = follow(name, (each) => module.entry(each))
  if (found === null)
    return otherForm(desk, module, name, request) ?? textAnswer(404, 'no such file\n')
  const { entry } = found
  if (entry.kind === 'directory') return directoryPage(module, name, entry.page, request)
  if (entry.kind !== 'file') return textAnswer(404, 'not a file\n')
  const file = { module, name: found.name, entry, asked: name }
  if (wantsWhy(request)) return whyForm(desk, file, request)
  if (found.byLink && keptHere(found.name, sizeOf(entry)) === null)
    return toItsName(desk, module, found.name)
  return fileAnswer(desk, file, found.byLink, request)
}

function wantsWhy({ query }: HttpRequest): boolean {
  return query !== '' && new URLSearchParams(query).has('why')
}

/**
 * A name such as `latest.iso` sends large downloads to the name that stays: who goes on tomorrow goes on with the same file. 302, as
 * it may lead elsewhere by then.
 */
function toItsName(desk: FileDesk, module: ServedModule, name: ByteName): HttpAnswer {
  const location = `${desk.origin()}/${module.name}/${encodePath(name)}`
  return textAnswer(302, `${location}\n`, { location, 'cache-control': 'no-store' })
}

/** Small ones are read first; large ones are opened only when they are to be given from here, and nobody waits for that. */
function fileAnswer(
  desk: FileDesk,
  file: FormFile,
  byLink: boolean,
  request: HttpRequest,
): HttpAnswer | Promise<HttpAnswer> {
  const { module, entry } = file
  const known = (): string | null => entry.content && module.digests.knownSha256(entry.content)
  if (sizeOf(entry) <= SMALL_BYTES)
    return smallBytes(module, entry).then((small) =>
      readAnswer(desk, tellOf(file, byLink, small?.sha256 ?? known()), request, small),
    )
  const sha256 = known()
  const told = tellOf(file, byLink, sha256)
  // what is not known yet is asked for again
  if (!byLink && sha256 !== null) desk.popular.add(request.path, module.current, told)
  return readAnswer(desk, told, request, null)
}

function tellOf(file: FormFile, byLink: boolean, sha256: string | null): ToldFile {
  const { module, name, entry } = file
  const size = sizeOf(entry)
  const validators = validatorsOf({ size, mtimeMs: Number(entry.mtimeNs / 1_000_000n) })
  const path = `/${module.name}/${encodePath(name)}`
  return { file, facts: { name, byLink, validators, sha256 }, kept: keptHere(name, size), path }
}

function readAnswer(
  desk: FileDesk,
  told: ToldFile,
  request: HttpRequest,
  small: SmallBytes | null,
): HttpAnswer {
  const { file, facts, kept } = told
  const { module, entry } = file
  const size = sizeOf(entry)
  const mayLeave = desk.redirects !== null && kept === null
  const headersOf = () => ({ ...fileHeaders(facts), ...(mayLeave ? { vary: 'Accept' } : {}) })
  const early = isConditional(request.headers) ? withoutBytes(request, headersOf(), size) : null
  if (early !== null) return early
  const elsewhere = mayLeave ? redirect(desk, told, true, request) : null
  if (elsewhere !== null && typeof elsewhere !== 'string') return elsewhere
  const bytes = small ?? module.holding(entry)
  if (bytes !== null) {
    const reason = elsewhere ?? kept ?? 'no volunteers'
    const note = { ...noteOf(file), give: 'direct', volunteer: null, reason } as const
    const given = withBytes(request, headersOf(), bytes, (length) => (module.httpSent += length))
    return { ...given, note }
  }
  const last = mayLeave ? redirect(desk, told, false, request) : null
  if (last !== null && typeof last !== 'string') return last
  return textAnswer(503, 'the file is being replaced\n', { 'retry-after': '60' })
}

function noteOf({ module, name, entry }: FormFile): Pick<AnswerNote, 'path' | 'bytes'> {
  return { path: `/${module.name}/${name}`, bytes: sizeOf(entry) }
}

/** To a volunteer, or the metalink of a client that chooses among them; null or the reason: it is given here. */
function redirect(
  desk: FileDesk,
  { file, facts, path }: ToldFile,
  isHere: boolean,
  request: HttpRequest,
): HttpAnswer | OwnReason | null {
  const { module, name, entry } = file
  const { content, since } = entry
  if (desk.redirects === null || content === null) return null
  const shuns = shunsMetalinks(clientClassOf(request.headers.get('user-agent')))
  const isLast = request.query === STAY
  const digests =
    acceptsMetalink(request) && !shuns && !isLast ? module.digests.known(content) : null
  if (digests !== null) {
    const note = { ...noteOf(file), give: 'metalink', volunteer: null, reason: 'accepted' } as const
    return { ...metalinkOf(desk, file, digests, request), note }
  }
  const wanted = { module: module.name, name, content, since, isHere }
  const choice = desk.redirects.decide(request, wanted)
  if (choice.kind === 'here') return choice.reason
  const metalink = shuns ? null : `${desk.origin()}${path}${METALINK}`
  const volunteer = choice.chosen.id
  const { path: named, bytes } = noteOf(file)
  const note = { give: 'redirect', volunteer, reason: choice.reason, path: named, bytes } as const
  const { status, headers } = redirectAnswer({
    ...{ choice, file: facts, path, metalink, isOpen: desk.saysWhy },
  })
  return { status, headers, note }
}

type SmallBytes = GivenBytes & { readonly sha256: string }

/** Read now, with their digest; null where they are not there now. */
async function smallBytes(module: ServedModule, entry: FileEntry): Promise<SmallBytes | null> {
  try {
    const holding = module.holding(entry)
    if (entry.content !== null && holding === null) return null
    const bytes = holding === null ? EMPTY : await holding.read(0, holding.length)
    return {
      length: bytes.length,
      read: (offset, n) => Promise.resolve(bytes.subarray(offset, offset + n)),
      sha256: base64Of(digestsOf(bytes).sha256),
    }
  } catch (error) {
    if (error instanceof FileError) return null // it is no longer what it was
    throw error
  }
}
