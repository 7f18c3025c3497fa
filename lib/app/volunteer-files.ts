/**
 * What a volunteer answers ordinary clients: the files of the last snapshot that its tree is in step with, with the headers of the
 * centre, each only while it stands as it was hashed. Whatever it cannot give goes back to the centre, with its word for it.
 */
import { type ByteName, byteName, nameFault } from '../base/byte-name.js'
import { EMPTY } from '../base/bytes.js'
import { FileError } from '../base/errors.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { notAllowed, textAnswer } from '../base/http-answers.js'
import { LIMITS } from '../base/limits.js'
import { type FileEntry, sizeOf } from '../flist/entry.js'
import type { ContentStore } from '../host.js'
import { bounceAnswer, formatBounce, LACKS } from '../mirror/bounce.js'
import { fileHeaders, validatorsOf } from '../mirror/file-headers.js'
import type { Flows } from '../mirror/flows.js'
import type { EnrolledMessage } from '../mirror/volunteer-messages.js'
import { type GivenBytes, withBytes, withoutBytes } from './file-answer.js'
import { follow } from './followed.js'
import { decodePath, encodePath } from './url-path.js'
import type { EntryOf } from './volunteer-tree.js'

/** What it has of a module. */
export type ModuleFiles = {
  /** By the newest snapshot first: what it has of one that is on its way is given, and what it still has of the one before. */
  readonly lookups: readonly EntryOf[]
  readonly contents: ContentStore
}

export type VolunteerFiles = {
  readonly modules: ReadonlyMap<string, ModuleFiles>
  readonly flows: Flows
  /** As it was enrolled; null: not yet. */
  readonly enrolled: () => EnrolledMessage | null
  /** Milliseconds that never go back. */
  readonly now: () => number
}

export async function volunteerAnswer(
  files: VolunteerFiles,
  request: HttpRequest,
): Promise<HttpAnswer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD')
  if (request.path.length + request.query.length > LIMITS.urlBytes)
    return textAnswer(414, 'no name is so long\n')
  const path = request.path.startsWith('/') ? decodePath(request.path) : null
  if (path === null) return textAnswer(400, 'malformed path\n')
  const [, module = '', ...rest] = path.split('/')
  const own = files.modules.get(module)
  if (own === undefined) return textAnswer(404, 'no such module is here\n')
  const name = byteName(rest.join('/'))
  if (nameFault(name) !== null) return textAnswer(404, 'no such file\n')
  let lacking = name
  for (const entryOf of own.lookups) {
    const found = follow(name, entryOf)
    if (found?.entry.kind !== 'file') continue
    const { entry, byLink } = found
    const bytes = entry.content === null ? NOTHING : own.contents.find(entry.content.root)
    if (bytes !== null && (await stands(bytes)))
      return given(files, { name: found.name, entry, byLink }, bytes, request)
    if (lacking === name) lacking = found.name
  }
  return back(files, module, lacking)
}

type Found = { readonly name: ByteName; readonly entry: FileEntry; readonly byLink: boolean }

function given(
  files: VolunteerFiles,
  { name, entry, byLink }: Found,
  bytes: GivenBytes,
  request: HttpRequest,
): HttpAnswer {
  const size = sizeOf(entry)
  const validators = validatorsOf({ size, mtimeMs: Number(entry.mtimeNs / 1_000_000n) })
  const headers = fileHeaders({ name, byLink, validators, sha256: null })
  return withoutBytes(request, headers, size) ?? counted(files, request, headers, bytes)
}

/** Found where somebody changed it meanwhile, it would be cut after its headers, which ends apt; now it can still be sent back. */
async function stands(bytes: GivenBytes): Promise<boolean> {
  try {
    await bytes.read(0, Math.min(1, bytes.length))
    return true
  } catch (error) {
    if (error instanceof FileError) return false
    throw error
  }
}

const NOTHING: GivenBytes = { length: 0, read: () => Promise.resolve(EMPTY) }

/** The answer, as a flow while it runs. */
function counted(
  { flows, now }: VolunteerFiles,
  request: HttpRequest,
  headers: Readonly<Record<string, string>>,
  bytes: GivenBytes,
): HttpAnswer {
  let heard: (length: number) => void = () => {}
  const answer = withBytes(request, headers, bytes, (length) => heard(length))
  const { body } = answer
  if (request.method === 'HEAD' || body === undefined || body instanceof Uint8Array) return answer
  async function* asFlow(parts: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const flow = flows.begin(Number(answer.headers['content-length']), now)
    heard = (length) => flow.sent(length)
    try {
      yield* parts
    } finally {
      flow.end()
    }
  }
  return { ...answer, body: asFlow(body) }
}

/** To the centre; without the means to say so, a client that sees an error asks there itself. */
function back({ enrolled }: VolunteerFiles, module: string, name: ByteName): HttpAnswer {
  const known = enrolled()
  if (known === null) return textAnswer(503, 'not now\n', { 'retry-after': '60' })
  const key = Buffer.from(known.bounceKey, 'hex')
  const bounce = formatBounce(key, known.name, LACKS, `${module}/${name}`)
  return bounceAnswer(`${known.centre}/${module}/${encodePath(name)}`, bounce)
}
