/**
 * A large file's bytes as they come, written by another thread while what follows is read and summed. They are not copied:
 * what a link read is lent while a mebibyte more is read, so they are written before.
 */
import type { ReceivingTree } from './trees.js'

/** So much is worth a thread's hearing of it. */
const WORTH_BYTES = 128 * 1024
/** What was read while some bytes wait to be written; as much again comes while they are. */
const HELD_BYTES = 256 * 1024

export class LateWrites {
  readonly #to: ReceivingTree
  readonly #fd: number
  readonly #failed: (error: unknown) => void
  #pieces: Uint8Array[] = []
  #bytes = 0
  /** Where the pieces go in the file. */
  #at = 0
  /** Where the link was when a write began. */
  #begun = 0
  #writing: Promise<void> | null = null

  /** @param failed hears of what the system refuses, and throws what it does not know */
  constructor(to: ReceivingTree, fd: number, failed: (error: unknown) => void) {
    this.#to = to
    this.#fd = fd
    this.#failed = failed
  }

  /** Behind what came before. */
  put(bytes: Uint8Array): void {
    this.#pieces.push(bytes)
    this.#bytes += bytes.length
  }

  /**
   * Before more is read: begins to write what came, if it is enough. @param position bytes that the link gave so far
   * @returns settles when what was written before is, which is lent no longer; null: there is nothing to wait for
   * @throws what `failed` throws
   */
  beforeRead(position: number): Promise<void> | null {
    if (this.#bytes < WORTH_BYTES && position - this.#begun < HELD_BYTES) return null
    this.#begun = position
    if (this.#writing !== null) return this.#next(this.#writing)
    this.#begin()
    return null
  }

  /** Settles when all is written, and no thread is at the file any more. Null: so it is. @throws what `failed` throws */
  drain(): Promise<void> | null {
    return this.#bytes === 0 && this.#writing === null ? null : this.#drain()
  }
  async #drain(): Promise<void> {
    while (this.#bytes > 0 || this.#writing !== null) await this.#next(this.#writing)
  }

  /** One write after the other: where one fails, what is there is still the file's beginning. */
  async #next(before: Promise<void> | null): Promise<void> {
    try {
      await before
    } catch (error) {
      this.#pieces = []
      this.#bytes = 0
      this.#failed(error)
    } finally {
      this.#writing = null
    }
    this.#begin()
  }

  #begin(): void {
    if (this.#bytes === 0) return
    const [pieces, at] = [this.#pieces, this.#at]
    this.#pieces = []
    this.#at += this.#bytes
    this.#bytes = 0
    this.#writing = this.#to.writeLater(this.#fd, pieces, at)
    // Whoever waits for it hears of it.
    this.#writing.catch(() => {})
  }
}
