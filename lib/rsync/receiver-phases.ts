/**
 * The phases of a receiving side: its generator says where each ends, the sender echoes it, and each of the two waits for what
 * the other has seen. prsync-protocol(7), phases; goodbye.
 */
import { type Deleted, writeDeleted } from '../wire/farewell.js'
import { NDX, type NdxWriter } from '../wire/ndx.js'
import { has, type Terms } from '../wire/terms.js'
import type { WireWriter } from './writer.js'

/** What is done between the ends of phases. */
export type PhaseWork = {
  /** What is left to be deleted goes when all has come: rsync(1) --delete-after. */
  readonly isLate: boolean
  readonly deleteLate: () => void
  /** Files take their places when all has come: rsync(1) --delay-updates. */
  readonly isDelayed: boolean
  readonly place: () => void
  /** Null: nothing is told of it. */
  readonly deleted: () => Deleted | null
  /** All that is to be done at the end. */
  readonly finish: () => void
}

export type ReceiverPhasesParts = {
  readonly terms: Terms
  readonly writer: WireWriter
  readonly numbers: NdxWriter
  readonly signal: AbortSignal
  /** Asks once more for what was not what it should be. */
  readonly askAgain: () => void
}

export class ReceiverPhases {
  readonly #parts: ReceiverPhasesParts
  /** Phases that the sender echoes before its figures. */
  readonly count: number
  /** Ends that the sender has echoed, those of lists not counted. */
  #echoed = 0
  /** The generator went through the whole list. */
  #isWalked = false
  #isBroken = false
  /** A batch is held until more of the list is gone through. */
  isHeld = false
  #wake: (() => void) | null = null

  constructor(parts: ReceiverPhasesParts) {
    this.#parts = parts
    this.count = parts.terms.protocol >= 29 ? 3 : 2
  }

  get echoed(): number {
    return this.#echoed
  }
  /** The sender has echoed the end of one more. */
  echo(): void {
    this.#echoed++
    this.#wake?.()
  }
  /** More of the list was gone through. */
  progressed(): void {
    this.#wake?.()
  }
  /** Nothing more will come. */
  giveUp(): void {
    this.#isBroken = true
    this.#wake?.()
  }

  /** From the end of the list to the sender's last word. */
  async run(work: PhaseWork): Promise<void> {
    const { terms, writer, askAgain } = this.#parts
    const { protocol } = terms
    const last = this.count
    this.#isWalked = true
    this.#wake?.()
    // With lists apart the last of them ends the first phase.
    if (!has(terms, 'incremental')) this.#done()
    await this.#reached(1)
    askAgain()
    this.#done()
    if (work.isDelayed) {
      await this.#reached(2)
      work.place()
    }
    if (protocol >= 29) this.#done()
    if (work.isLate || protocol < 31) await this.#reached(last)
    if (work.isLate) work.deleteLate()
    if (protocol >= 31) {
      this.#tellDeleted(work.deleted())
      this.#done()
      await this.#reached(last + 1)
    }
    if (!work.isDelayed) work.place()
    work.finish()
    this.#done()
    await writer.drain()
  }

  #tellDeleted(count: Deleted | null): void {
    const { numbers, writer } = this.#parts
    if (count === null) return
    numbers.write(writer.data, NDX.deleteStats)
    writeDeleted(writer.data, count)
  }
  #done(): void {
    this.#parts.numbers.write(this.#parts.writer.data, NDX.done)
  }
  /** All that was said is out, and the sender has echoed the end of the phase. */
  async #reached(phase: number): Promise<void> {
    await this.#parts.writer.flush()
    while (this.#echoed < phase && !this.#isBroken) await this.#changed()
    this.#parts.signal.throwIfAborted()
  }

  /**
   * A batch is ahead of those who ask.
   * @param isEnough has as much been gone through as its next answer takes? @param held it waits
   */
  async untilWalked(isEnough: () => boolean, held: () => void): Promise<void> {
    while (!this.#isWalked && !this.#isBroken && !isEnough()) {
      this.isHeld = true
      held()
      await this.#changed()
    }
    this.isHeld = false
    this.#parts.signal.throwIfAborted()
  }
  /** One waits at a time: for the sender only who is through the list, for him only while he is not. */
  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
