/** What goes round every request of a centre's clients: whose it is, that it is counted and logged, and that its answer keeps to the uplink. */
import type { AnswerNote, HttpAnswer, HttpHandler, HttpRequest } from '../base/http.js'
import type { Clock } from '../host.js'
import { type AccessFormat, accessLine } from '../mirror/access-line.js'
import { clientClassOf } from '../mirror/client-class.js'
import type { Deliveries } from '../mirror/deliveries.js'
import type { Network } from '../mirror/volunteer.js'
import type { RateLimit } from '../swarm/rate-limit.js'
import { clientAddress } from './forwarded.js'
import { pacedAnswer } from './paced.js'

export type FrontParts = {
  readonly answer: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>
  readonly deliveries: Deliveries
  readonly upload: RateLimit
  readonly clock: Clock
  /** Proxies whose word on their clients is believed. */
  readonly trusted: readonly Network[]
  /** Null: no log. */
  readonly log: { readonly write: (line: string) => void; readonly format: AccessFormat } | null
}

export function frontHandler(parts: FrontParts): HttpHandler {
  const { clock, upload, deliveries, trusted, log } = parts
  return (asked, signal) => {
    const began = clock.monotonic()
    const request = trusted.length === 0 ? asked : ofClient(asked, trusted)
    const done = (answer: HttpAnswer): HttpAnswer => {
      const tookUs = (clock.monotonic() - began) * 1000
      const { note } = answer
      if (note !== undefined) {
        const { give, volunteer, reason, path } = note
        const client = clientClassOf(request.headers.get('user-agent'))
        const bytes = bytesOf(note, request, answer)
        const atMs = clock.now()
        deliveries.decided({ give, volunteer, reason, path, bytes, client, atMs }, tookUs)
      }
      const paced = pacedAnswer(answer, upload, clock, signal)
      return log === null ? paced : logged(paced, request, tookUs, log, clock)
    }
    const answer = parts.answer(request)
    return answer instanceof Promise ? answer.then(done) : done(answer)
  }
}

function ofClient(request: HttpRequest, trusted: readonly Network[]): HttpRequest {
  const { remote, headers } = request
  const address = clientAddress(remote.address, headers.get('x-forwarded-for'), trusted)
  if (address === remote.address) return request
  const { method, path, query } = request
  return {
    ...{ method, path, query, headers },
    remote: { ...remote, address },
    get local() {
      return request.local
    },
    body: (limit) => request.body(limit),
  }
}

/** Once the answer went out, or was cut. */
function logged(
  answer: HttpAnswer,
  request: HttpRequest,
  tookUs: number,
  { write, format }: NonNullable<FrontParts['log']>,
  clock: Clock,
): HttpAnswer {
  const { status, body, note = null } = answer
  const { method, headers, path, query, remote } = request
  const known = {
    ...{ atMs: clock.now(), address: remote.address, method, status, note, tookUs },
    target: query === '' ? path : `${path}?${query}`,
    referrer: headers.get('referer') ?? null,
    userAgent: headers.get('user-agent') ?? null,
  }
  const tell = (bytes: number): void => write(accessLine({ ...known, bytes }, format))
  if (method === 'HEAD' || body === undefined || body instanceof Uint8Array) {
    tell(method === 'HEAD' || !(body instanceof Uint8Array) ? 0 : body.length)
    return answer
  }
  async function* counted(parts: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    let bytes = 0
    try {
      for await (const part of parts) {
        yield part
        bytes += part.length
      }
    } finally {
      tell(bytes)
    }
  }
  return { ...answer, body: counted(body) }
}

/** What is given here is what goes out; what is given elsewhere the whole file, as ranges of it are not known before. */
function bytesOf(note: AnswerNote, { method }: HttpRequest, { headers }: HttpAnswer): number {
  if (method === 'HEAD') return 0
  return note.give === 'direct' ? Number(headers['content-length'] ?? 0) : note.bytes
}
