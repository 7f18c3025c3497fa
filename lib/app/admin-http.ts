/** What the centre can be told over HTTP by who has the token in its state directory, both ends. */
import { utf8Bytes, utf8Of } from '../base/bytes.js'
import {
  messageOf,
  PrsyncError,
  SocketError,
  StartupError,
  UnsupportedError,
  UsageError,
} from '../base/errors.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { textAnswer } from '../base/http-answers.js'
import type { Clock, Log } from '../host.js'
import { HttpClient } from '../io/http-client.js'
import { isSameToken, isToken } from '../io/token-file.js'
import { type AdminAnswer, formatAnswer, parseAnswer } from './admin.js'
import type { Published, Publishing } from './publishing.js'
import { answerVolunteers } from './volunteer-admin.js'
import type { Volunteers } from './volunteer-table.js'

/** No module begins with a full stop. */
const PUBLISH_PATH = '/.~prsync~/publish'
/** The query with which a tree in which nothing is left is published too. */
const EMPTY_QUERY = 'empty'
const VOLUNTEERS_PATH = '/.~prsync~/volunteers'
const COMMAND_BYTES = 16 * 1024
/** A space now and then while the trees are hashed: nobody between us takes the silence for a dead connection. */
const SIGN_OF_LIFE_MS = 5_000
const ANSWER_BYTES = 1024 * 1024

export type AdminDesk = {
  readonly token: string
  readonly publishing: Publishing
  readonly volunteers: Volunteers
  readonly clock: Clock
  readonly log: Log
  /** Ends a look that runs: the centre stops. */
  readonly signal: AbortSignal
}

/** Null for other paths. */
export function adminRoute(
  desk: AdminDesk,
  request: HttpRequest,
): HttpAnswer | Promise<HttpAnswer> | null {
  const { path } = request
  if (path !== PUBLISH_PATH && path !== VOLUNTEERS_PATH) return null
  if (request.method !== 'POST') return refusal(405, 'method not allowed\n', { allow: 'POST' })
  const [, given = ''] = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  if (!isSameToken(given, desk.token))
    return refusal(401, 'wrong token\n', { 'www-authenticate': 'Bearer realm="prsync"' })
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  if (path === VOLUNTEERS_PATH) return volunteersAnswer(desk, request, headers)
  return { status: 200, headers, body: answer(desk, request.query === EMPTY_QUERY) }
}

/** What `prsync volunteer` asks through the socket, as JSON; a refusal is a 400 with its reason. */
async function volunteersAnswer(
  { volunteers }: AdminDesk,
  request: HttpRequest,
  headers: Readonly<Record<string, string>>,
): Promise<HttpAnswer> {
  const question = utf8Of(await request.body(COMMAND_BYTES))
  const said = answerVolunteers(volunteers, question) ?? formatAnswer({ error: 'not understood' })
  return textAnswer(said.startsWith('{"error"') ? 400 : 200, `${said}\n`, headers)
}

async function* answer(
  { publishing, clock, log, signal }: AdminDesk,
  mayBeEmpty: boolean,
): AsyncIterable<Uint8Array> {
  const look = publishing.now(signal, mayBeEmpty).then(
    (published): AdminAnswer => ({ published }),
    (error: unknown): AdminAnswer => {
      if (!(error instanceof PrsyncError)) log('admin.failed', { what: messageOf(error) })
      return { error: messageOf(error) }
    },
  )
  for (;;) {
    const rest = new AbortController()
    const pause = clock.sleep(SIGN_OF_LIFE_MS, rest.signal).then(
      () => null,
      () => null, // cut short: the look is over
    )
    const done = await Promise.race([look, pause])
    rest.abort()
    yield utf8Bytes(done === null ? ' ' : `${formatAnswer(done)}\n`)
    if (done !== null) return
  }
}

/**
 * The URL is that of a centre, or of a module there: then only that one is told of, though all are looked at.
 * @throws {UsageError} on what is no URL or no token, and as `askPublishOver`
 */
export async function publishAt(
  text: string,
  token: string,
  mayBeEmpty: boolean,
  userAgent: string,
  signal: AbortSignal,
): Promise<Published[]> {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new UsageError(`not the URL of a centre: ${text} (as in https://centre:8730)`)
  if (!isToken(token)) throw new UsageError('that is no token of a centre')
  const { origin, pathname } = new URL(text)
  const module = pathname.replace(/^\/|\/$/g, '')
  const client = new HttpClient(userAgent)
  try {
    const published = await askPublishOver(origin, token, mayBeEmpty, client, signal)
    const told = published.filter((each) => module === '' || each.module === module)
    if (told.length === 0 && module !== '')
      throw new UsageError(`${origin} has no module ${module}`)
    return told
  } finally {
    client.close()
  }
}

/**
 * Has a centre elsewhere look at its trees now; settles when the new snapshots stand.
 * @throws {TryAgainError} where nobody answers, {StartupError} on a wrong token
 */
async function askPublishOver(
  origin: string,
  token: string,
  mayBeEmpty: boolean,
  client: HttpClient,
  signal: AbortSignal,
): Promise<Published[]> {
  const url = new URL(mayBeEmpty ? `${PUBLISH_PATH}?${EMPTY_QUERY}` : PUBLISH_PATH, origin)
  const headers = { authorization: `Bearer ${token}` }
  const reply = await client.ask(url, { method: 'POST', headers, body: new Uint8Array(0) }, signal)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of reply.body) {
    length += chunk.length
    if (length > ANSWER_BYTES) throw new SocketError(`${origin}: too long an answer`)
    chunks.push(chunk)
  }
  if (reply.status === 401 || reply.status === 403)
    throw new StartupError(`${origin} does not take this token (its own is in STATE/admin-token)`)
  if (reply.status === 404 || reply.status === 405)
    throw new UnsupportedError(
      `${origin} cannot publish over HTTP: no prsync centre, or an older one`,
    )
  if (reply.status !== 200) throw new SocketError(`${url.href}: answers ${reply.status}`)
  return parseAnswer(utf8Of(Buffer.concat(chunks)))
}

function refusal(status: number, text: string, headers: Record<string, string>): HttpAnswer {
  const body = utf8Bytes(text)
  const common = { 'content-type': 'text/plain; charset=utf-8', 'content-length': `${body.length}` }
  return { status, headers: { ...common, ...headers }, body }
}
