/** HTTP answers that keep to an upload rate. */
import type { HttpAnswer } from '../base/http.js'
import type { Clock } from '../host.js'
import { type RateLimit, spendInTurn } from '../swarm/rate-limit.js'

/** What goes out in parts waits its turn; an answer of one part counts, and is not held up. */
export function pacedAnswer(
  answer: HttpAnswer,
  upload: RateLimit,
  clock: Clock,
  signal: AbortSignal,
): HttpAnswer {
  const { body } = answer
  if (body === undefined) return answer
  if (body instanceof Uint8Array) upload.spend(body.length)
  return body instanceof Uint8Array
    ? answer
    : { ...answer, body: paced(body, upload, clock, signal) }
}
async function* paced(
  body: AsyncIterable<Uint8Array>,
  upload: RateLimit,
  clock: Clock,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    await spendInTurn(upload, chunk.length, clock, signal)
    yield chunk
  }
}
