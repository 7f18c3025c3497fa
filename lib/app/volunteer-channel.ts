/**
 * A volunteer's end of its channel: shows its key, joins, reports each 30 s. A lost channel is opened again, later each time; what the
 * centre refuses is told, and tried again too: an admin may have thought better of it.
 */
import { messageOf, PrsyncError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { together } from '../base/together.js'
import type { KeyPair } from '../hash/ed25519.js'
import type { Clock, Random } from '../host.js'
import { connectWebSocket, type TextSocket } from '../io/ws.js'
import type { ReleaseRef } from '../mirror/release.js'
import { REPORT_MS } from '../mirror/report.js'
import {
  type CentreWord,
  type EnrolledMessage,
  formatKey,
  formatSigned,
  type Join,
  type Load,
  parseCentreWord,
  type VolunteerMessage,
} from '../mirror/volunteer-messages.js'
import { heardWithin } from './heard.js'
import { VOLUNTEER_PATH } from './volunteer-desk.js'

const FIRST_WAIT_MS = 1000
const MOST_WAIT_MS = 60_000
/** A centre says that it heard a report: silent for three of them, it is gone, whatever TCP still hopes for. */
const SILENCE_MS = 3 * REPORT_MS + 10_000

export type VolunteerChannelParts = {
  /** `http://centre:8730` */
  readonly origin: string
  readonly userAgent: string
  readonly keys: KeyPair
  readonly join: Join
  /** As of now. */
  readonly load: () => Load
  readonly onEnrolled: (enrolled: EnrolledMessage) => void
  /** What is wanted here is something else now. */
  readonly onWanted: (releases: readonly ReleaseRef[]) => void
  /** Refused, or the channel is lost: no clients are sent for now. */
  readonly onLost: (why: string) => void
  readonly clock: Clock
  readonly random: Random
}

export class VolunteerChannel {
  readonly #parts: VolunteerChannelParts
  #say: ((message: VolunteerMessage) => void) | null = null
  #isDraining = false

  constructor(parts: VolunteerChannelParts) {
    this.#parts = parts
  }

  /** False: it is not open now, or the centre does not take what it is told. */
  say(message: VolunteerMessage): boolean {
    this.#say?.(message)
    return this.#say !== null
  }

  /** Asks for no more clients. */
  drain(): void {
    this.#isDraining = true
    this.#say?.({ type: 'drain', begins: true })
  }

  /** Something is to be told before the next report is due: new files are there. */
  report(): void {
    this.#say?.(this.#parts.load())
  }

  /** Keeps a channel open until the signal. Rejects with its reason, and with defects of ours alone. */
  async keep(signal: AbortSignal): Promise<void> {
    const { origin, clock, random, userAgent, onLost } = this.#parts
    const url = new URL(VOLUNTEER_PATH, origin.replace(/^http/, 'ws'))
    let waitMs = FIRST_WAIT_MS
    for (;;) {
      signal.throwIfAborted()
      try {
        const socket = await connectWebSocket(url, LIMITS.centreWordBytes, userAgent, signal)
        await this.#attend(socket, signal, () => {
          waitMs = FIRST_WAIT_MS
        })
        onLost('the channel ended')
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof PrsyncError)) throw error
        onLost(messageOf(error))
      }
      // half of it by chance, so that not all come back at once after the centre restarts
      await clock.sleep(waitMs / 2 + random.below(Math.ceil(waitMs / 2)), signal)
      waitMs = Math.min(MOST_WAIT_MS, waitMs * 2)
    }
  }

  async #attend(socket: TextSocket, signal: AbortSignal, onAlive: () => void): Promise<void> {
    const { keys, join, onEnrolled } = this.#parts
    try {
      socket.write(formatKey(keys))
      const first = await this.#heard(socket, signal)
      if (first === 'over' || first?.type !== 'nonce')
        throw new WireError('no nonce', { at: 'centre' })
      let count = 0
      const say = (message: VolunteerMessage): void =>
        socket.write(formatSigned(message, keys, first.nonce, count++))
      say(join)
      const answer = await this.#heard(socket, signal)
      if (answer === 'over' || answer === null) return
      if (answer.type === 'refused') throw new WireError(answer.why, { at: 'centre' })
      if (answer.type !== 'enrolled') throw new WireError('not enrolled', { at: 'centre' })
      onAlive()
      this.#say = say
      onEnrolled(answer)
      if (this.#isDraining) say({ type: 'drain', begins: true })
      await this.#report(socket, signal)
    } finally {
      this.#say = null
      socket.close()
    }
  }

  /** Null: a word that this version does not know. */
  async #heard(socket: TextSocket, signal: AbortSignal): Promise<CentreWord | null | 'over'> {
    const text = await heardWithin(socket, SILENCE_MS, this.#parts.clock, signal)
    return text === null ? 'over' : parseCentreWord(text)
  }

  /** Until the channel ends. */
  async #report(socket: TextSocket, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    await together(
      signal,
      async (inner) => {
        for (;;) {
          const word = await this.#heard(socket, inner)
          if (word === 'over') break
          if (word?.type === 'wanted') this.#parts.onWanted(word.releases)
        }
        over.abort()
      },
      async () => {
        try {
          for (;;) {
            if (socket.unsent === 0) this.report()
            await this.#parts.clock.sleep(REPORT_MS, either)
          }
        } catch (error) {
          if (!either.aborted) throw error
        }
      },
    )
  }
}
