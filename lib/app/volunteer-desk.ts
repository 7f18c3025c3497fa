/** The centre's end of the volunteers' channels: who it is, proven by its key, and then what it says, to `volunteer-table.ts`. */
import { hexOf } from '../base/bytes.js'
import { messageOf, PrsyncError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Clock, Log, Random } from '../host.js'
import { expectListeners } from '../io/tcp.js'
import type { TextSocket } from '../io/ws.js'
import type { ReleaseRef } from '../mirror/release.js'
import {
  type CentreWord,
  formatCentreWord,
  parseKey,
  parseSigned,
  type VolunteerMessage,
} from '../mirror/volunteer-messages.js'
import { heardWithin } from './heard.js'
import type { Volunteers } from './volunteer-table.js'

/** No module begins with a full stop. */
export const VOLUNTEER_PATH = '/.~prsync~/volunteer'

/** From the open socket to the key, from there to the join; and from one report to the next. */
const HELLO_MS = 10_000
const SILENCE_MS = 100_000
const NONCE_BYTES = 16
/** Messages at once, and one more each so often: a list of a million contents takes fifteen seconds, and an eighth of this processor. */
const BURST = 50
export const VOLUNTEER_EACH_MS = 6

export type VolunteerDeskParts = {
  readonly volunteers: Volunteers
  /** One with a quota says what it was told to hold. */
  readonly onKeeps: (name: string, releases: readonly ReleaseRef[]) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export class VolunteerDesk {
  readonly #parts: VolunteerDeskParts
  readonly #end = new AbortController()
  readonly #open = new Set<Promise<void>>()
  /** Of those that joined. */
  readonly #joined = new Map<object, TextSocket>()
  readonly #atAddress = new Map<string, number>()

  constructor(parts: VolunteerDeskParts) {
    this.#parts = parts
    expectListeners(this.#end.signal)
  }

  /** Serves the socket until it ends; it is closed in every case. */
  accept(socket: TextSocket, address: string): void {
    const neighbours = this.#atAddress.get(address) ?? 0
    const isFull = this.#open.size >= LIMITS.controlNodes
    if (this.#end.signal.aborted || isFull || neighbours >= LIMITS.controlNodesAtAddress)
      return socket.close()
    this.#atAddress.set(address, neighbours + 1)
    const served = this.#serve(socket)
      .catch((error: unknown) => {
        if (!this.#end.signal.aborted)
          this.#parts.log('volunteer.failed', { address, what: messageOf(error) })
      })
      .finally(() => {
        socket.close()
        this.#open.delete(served)
        const left = (this.#atAddress.get(address) ?? 1) - 1
        if (left > 0) this.#atAddress.set(address, left)
        else this.#atAddress.delete(address)
      })
    this.#open.add(served)
  }

  /** @param channel as the table of volunteers knows it; nothing happens where it is over */
  tell(channel: object, word: CentreWord): void {
    const socket = this.#joined.get(channel)
    if (socket !== undefined) tell(socket, word)
  }

  async close(): Promise<void> {
    this.#end.abort(new WireError('the centre stops'))
    await Promise.all(this.#open)
  }

  async #serve(socket: TextSocket): Promise<void> {
    const { volunteers, random } = this.#parts
    const said = await this.#heard(socket, HELLO_MS)
    if (said === null) return
    const key = parseKey(said)
    const nonce = hexOf(random.bytes(NONCE_BYTES))
    tell(socket, { type: 'nonce', nonce })
    let count = 0
    const next = async (ms: number): Promise<VolunteerMessage | null> => {
      const frame = await this.#heard(socket, ms)
      return frame === null ? null : parseSigned(frame, key, nonce, count++)
    }
    const join = await next(HELLO_MS)
    if (join?.type !== 'join') return
    const enrolled = this.#join(key, join, socket)
    if (typeof enrolled === 'string') return tell(socket, { type: 'refused', why: enrolled })
    tell(socket, enrolled)
    const { name } = enrolled
    const isAllowed = this.#allowance()
    this.#joined.set(socket, socket)
    try {
      for (let word = await next(SILENCE_MS); word !== null; word = await next(SILENCE_MS)) {
        if (!isAllowed()) throw new WireError('more messages than it may send', { at: name })
        if (word.type === 'load') {
          if (!volunteers.loaded(name, word, socket)) return
          tell(socket, { type: 'heard' })
        }
        if (word.type === 'keeps') this.#parts.onKeeps(name, word.releases)
        if (word.type === 'have') volunteers.has(name, word, socket)
        if (word.type === 'lost') volunteers.lost(name, word, socket)
        if (word.type === 'drain') volunteers.drains(name, word.begins, socket)
        if (word.type === 'join') return
      }
    } finally {
      this.#joined.delete(socket)
      volunteers.left(name, socket)
    }
  }

  /** Says of each message whether it may come now. */
  #allowance(): () => boolean {
    const { clock } = this.#parts
    let allowed = BURST
    let beforeMs = clock.monotonic()
    return () => {
      const nowMs = clock.monotonic()
      allowed = Math.min(BURST, allowed + (nowMs - beforeMs) / VOLUNTEER_EACH_MS) - 1
      beforeMs = nowMs
      return allowed >= 0
    }
  }

  #join(...words: Parameters<Volunteers['join']>): ReturnType<Volunteers['join']> {
    try {
      return this.#parts.volunteers.join(...words)
    } catch (error) {
      if (!(error instanceof PrsyncError)) throw error
      this.#parts.log('volunteer.failed', { what: messageOf(error) })
      return 'the centre cannot keep it now: try again later'
    }
  }

  #heard(socket: TextSocket, ms: number): Promise<string | null> {
    return heardWithin(socket, ms, this.#parts.clock, this.#end.signal)
  }
}

function tell(socket: TextSocket, word: CentreWord): void {
  socket.write(formatCentreWord(word))
}
