/**
 * What a volunteer sees of its own line: answers under way, how fast each goes and how long it should still run. Makes the figures of
 * its reports. Rates are bytes a second, times milliseconds of a clock that never goes back.
 */
import { UNKNOWN_CAPACITY } from './balance.js'
import { fairRate, type LoadReport, lastingOf } from './report.js'

/** Younger flows have no rate to speak of. */
const YOUNG_MS = 250
/** Smaller answers tell of round trips, not of lines. */
const SAMPLE_BYTES = 1 << 20
const SAMPLES = 64

export type Flow = {
  sent(bytes: number): void
  /** However it ended; twice is fine. */
  end(): void
}

type Running = { readonly startMs: number; readonly length: number; sent: number }

export class Flows {
  readonly #running = new Set<Running>()
  readonly #uplink: number | null
  readonly #clientLimit: number
  #sent = 0
  #observed: number[] = []
  /** The most that went out between two reports. */
  #best = 0
  #lastMs: number
  #lastSent = 0
  #lastOther = 0

  /** @param uplink what the line can send; null: unknown @param clientLimit what of it is for clients at most; null: all */
  constructor(uplink: number | null, clientLimit: number | null, nowMs: number) {
    this.#uplink = uplink
    this.#clientLimit = clientLimit ?? Number.POSITIVE_INFINITY
    this.#lastMs = nowMs
  }

  get count(): number {
    return this.#running.size
  }
  /** Bytes to clients since the start. */
  get sent(): number {
    return this.#sent
  }

  /** An answer of so many bytes begins. @param now for its end */
  begin(length: number, now: () => number): Flow {
    const flow: Running = { startMs: now(), length, sent: 0 }
    this.#running.add(flow)
    return {
      sent: (bytes) => {
        flow.sent += bytes
        this.#sent += bytes
      },
      end: () => {
        if (!this.#running.delete(flow) || flow.sent < SAMPLE_BYTES) return
        const seconds = Math.max(1, now() - flow.startMs) / 1000
        this.#observed = [...this.#observed, flow.sent / seconds].slice(-SAMPLES)
      },
    }
  }

  /** How it goes; each sample is told once. @param otherSent bytes to other nodes since the start */
  report(otherSent: number, nowMs: number): Omit<LoadReport, 'atMs'> {
    const seconds = Math.max(1, nowMs - this.#lastMs) / 1000
    const clientRate = (this.#sent - this.#lastSent) / seconds
    const syncRate = Math.max(0, otherSent - this.#lastOther) / seconds
    this.#lastMs = nowMs
    this.#lastSent = this.#sent
    this.#lastOther = otherSent
    this.#best = Math.max(this.#best, clientRate + syncRate)
    const flows = [...this.#running].map(({ startMs, length, sent }) => {
      const ageMs = nowMs - startMs
      const rate = ageMs < YOUNG_MS ? 0 : (sent * 1000) / ageMs
      return { rate, leftMs: rate === 0 ? 0 : ((length - sent) * 1000) / rate }
    })
    const observed = this.#observed
    this.#observed = []
    const line = this.#uplink ?? Math.max(UNKNOWN_CAPACITY, this.#best)
    return {
      fair: fairRate(
        Math.min(line - syncRate, this.#clientLimit),
        flows.map(({ rate }) => rate),
      ),
      flows: flows.length,
      lasting: lastingOf(flows.map(({ leftMs }) => leftMs)),
      ...{ clientRate, syncRate, observed },
    }
  }
}
