/** What goes round every request of a centre's clients: it is counted, and its answer keeps to the uplink. */
import type { AnswerNote, HttpAnswer, HttpRequest } from '../base/http.js'
import type { Clock } from '../host.js'
import { clientClassOf } from '../mirror/client-class.js'
import type { Deliveries } from '../mirror/deliveries.js'
import type { RateLimit } from '../swarm/rate-limit.js'
import { pacedAnswer } from './paced.js'

export type FrontParts = {
  readonly answer: (request: HttpRequest) => Promise<HttpAnswer>
  readonly deliveries: Deliveries
  readonly upload: RateLimit
  readonly clock: Clock
}

export function frontHandler(
  parts: FrontParts,
): (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer> {
  const { clock, upload, deliveries } = parts
  return async (request, signal) => {
    const began = clock.monotonic()
    const answer = await parts.answer(request)
    const { note } = answer
    if (note !== undefined) {
      const client = clientClassOf(request.headers.get('user-agent'))
      const decided = { ...note, bytes: bytesOf(note, request, answer), client }
      deliveries.decided({ ...decided, atMs: clock.now() }, (clock.monotonic() - began) * 1000)
    }
    return pacedAnswer(answer, upload, clock, signal)
  }
}

/** What is given here is what goes out; what is given elsewhere the whole file, as ranges of it are not known before. */
function bytesOf(note: AnswerNote, { method }: HttpRequest, { headers }: HttpAnswer): number {
  if (method === 'HEAD') return 0
  return note.give === 'direct' ? Number(headers['content-length'] ?? 0) : note.bytes
}
