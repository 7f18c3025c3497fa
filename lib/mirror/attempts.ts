/**
 * Where clients were sent lately. Who asks again for the same within a minute was failed by the last volunteer: most clients say
 * nothing else about it. Bounded; what is forgotten is at worst one more attempt.
 */
import { LIMITS } from '../base/limits.js'
import { Lately } from './lately.js'

/** dnf tries again within a second, curl --retry within a minute. */
const AGAIN_MS = 60_000
/** Volunteers that one client is sent to for one file; then the centre serves it. */
export const MOST_HOPS = 2

export type Attempt = {
  /** Ids, in order; at least one. */
  readonly volunteers: readonly string[]
  readonly atMs: number
  /** The last of them was held to account for the client's coming again. */
  readonly isBlamed: boolean
}

export class Attempts {
  readonly #byRequest = new Lately<Attempt>(LIMITS.attempts)
  readonly #byClient = new Lately<{ readonly id: string; readonly atMs: number }>(LIMITS.attempts)
  /** Who failed a client, with whatever. */
  readonly #failures = new Lately<{
    readonly volunteers: readonly string[]
    readonly atMs: number
  }>(LIMITS.attempts)

  /** What was tried for this request; null: nothing lately. */
  of(request: string, nowMs: number): Attempt | null {
    const attempt = this.#byRequest.get(request)
    return attempt === undefined || nowMs - attempt.atMs > AGAIN_MS ? null : attempt
  }

  /** Where the client was sent last, for whatever. */
  last(client: string): { readonly id: string; readonly atMs: number } | null {
    return this.#byClient.get(client) ?? null
  }

  /** Volunteers that failed the client within the last minute: it is not sent there with another file either. */
  failed(client: string, nowMs: number): readonly string[] {
    const failures = this.#failures.get(client)
    return failures === undefined || nowMs - failures.atMs > AGAIN_MS ? [] : failures.volunteers
  }

  sent(client: string, request: string, volunteer: string, nowMs: number): void {
    const before = this.of(request, nowMs)
    const volunteers = before === null ? [volunteer] : [...before.volunteers, volunteer]
    this.#byRequest.set(request, { volunteers, atMs: nowMs, isBlamed: false })
    this.#byClient.set(client, { id: volunteer, atMs: nowMs })
  }

  /** Who failed the client that asks again; null: nobody, or it was told before, as when the centre served meanwhile. */
  blame(client: string, request: string, nowMs: number): string | null {
    const attempt = this.of(request, nowMs)
    if (attempt === null || attempt.isBlamed) return null
    this.#byRequest.set(request, { ...attempt, isBlamed: true })
    const volunteer = attempt.volunteers.at(-1) ?? null
    const before = this.failed(client, nowMs)
    if (volunteer !== null && !before.includes(volunteer))
      this.#failures.set(client, { volunteers: [...before, volunteer], atMs: nowMs })
    return volunteer
  }
}
