/**
 * Where clients were sent lately. Who asks again for the same within a minute was failed by the last volunteer: most clients say
 * nothing else about it. Bounded; what is forgotten is at worst one more attempt.
 */
import { LIMITS } from '../base/limits.js'
import { type Key, Lately } from './lately.js'

/** dnf tries again within a second, curl --retry within a minute. */
const AGAIN_MS = 60_000
/** Volunteers that one client is sent to for one file; then the centre serves it. */
export const MOST_HOPS = 2
/** Volunteers that are remembered, of a request or a client, where the centre cannot serve. */
const REMEMBERED = 6

export type Attempt = {
  /** Ids, in order; at least one. */
  readonly volunteers: readonly string[]
  readonly atMs: number
  /** The last of them was held to account for the client's coming again. */
  readonly isBlamed: boolean
}

/** Times are milliseconds since the epoch, above 0. */
export class Attempts {
  readonly #byRequest = new Lately(LIMITS.attempts, REMEMBERED)
  readonly #isBlamed = new Uint8Array(LIMITS.attempts)
  readonly #byClient = new Lately(LIMITS.attempts, 1)
  /** Who failed a client, with whatever. */
  readonly #failures = new Lately(LIMITS.attempts, REMEMBERED)
  /** Volunteers as numbers, and back: as many as were ever enrolled since the start. */
  readonly #numbers = new Map<string, number>()
  readonly #ids: string[] = []

  /** What was tried for this request; null: nothing lately. */
  of(request: Key, nowMs: number): Attempt | null {
    const row = this.#byRequest.find(request)
    if (row < 0 || nowMs - this.#byRequest.atMs(row) > AGAIN_MS) return null
    return {
      volunteers: this.#idsIn(this.#byRequest, row),
      atMs: this.#byRequest.atMs(row),
      isBlamed: this.#isBlamed[row] === 1,
    }
  }

  /** Where the client was sent last, for whatever. */
  last(client: Key): { readonly id: string; readonly atMs: number } | null {
    const row = this.#byClient.find(client)
    const id = row < 0 ? undefined : this.#ids[this.#byClient.last(row)]
    return id === undefined ? null : { id, atMs: this.#byClient.atMs(row) }
  }

  /** Volunteers that failed the client within the last minute: it is not sent there with another file either. */
  failed(client: Key, nowMs: number): readonly string[] {
    const row = this.#failures.find(client)
    if (row < 0 || nowMs - this.#failures.atMs(row) > AGAIN_MS) return NOBODY
    return this.#idsIn(this.#failures, row)
  }

  sent(client: Key, request: Key, volunteer: string, nowMs: number): void {
    const number = this.#numberOf(volunteer)
    this.#isBlamed[this.#add(this.#byRequest, request, number, nowMs)] = 0
    this.#add(this.#byClient, client, number, nowMs)
  }

  /** Who failed the client that asks again; null: nobody, or it was told before, as when the centre served meanwhile. */
  blame(client: Key, request: Key, nowMs: number): string | null {
    const attempt = this.of(request, nowMs)
    if (attempt === null || attempt.isBlamed) return null
    this.#isBlamed[this.#byRequest.find(request)] = 1
    const volunteer = attempt.volunteers.at(-1) ?? null
    if (volunteer !== null && !this.failed(client, nowMs).includes(volunteer))
      this.#add(this.#failures, client, this.#numberOf(volunteer), nowMs)
    return volunteer
  }

  /** To what is known since less than AGAIN_MS, or as the first. */
  #add(table: Lately, key: Key, number: number, nowMs: number): number {
    const row = table.claim(key)
    if (nowMs - table.atMs(row) > AGAIN_MS) table.clear(row)
    table.add(row, number, nowMs)
    return row
  }

  #numberOf(id: string): number {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    this.#numbers.set(id, this.#ids.length)
    return this.#ids.push(id) - 1
  }
  #idsIn(table: Lately, row: number): readonly string[] {
    return table.numbers(row).flatMap((number) => this.#ids[number] ?? [])
  }
}

const NOBODY: readonly string[] = []
