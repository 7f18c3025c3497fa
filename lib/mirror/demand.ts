/** What clients ask of each release: bytes, faded, so that it is what they asked in about the last quarter of an hour. */
const FADE_MS = 900_000

export class Demand {
  readonly #asked = new Map<string, { readonly bytes: number; readonly atMs: number }>()

  asked(id: string, bytes: number, nowMs: number): void {
    this.#asked.set(id, { bytes: this.#left(id, nowMs) + bytes, atMs: nowMs })
  }
  /** Bytes a second. */
  of(id: string, nowMs: number): number {
    return (this.#left(id, nowMs) / FADE_MS) * 1000
  }
  /** Those that are no more. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#asked.keys()) if (!ids.has(id)) this.#asked.delete(id)
  }

  #left(id: string, nowMs: number): number {
    const { bytes, atMs } = this.#asked.get(id) ?? { bytes: 0, atMs: nowMs }
    return bytes * Math.exp(Math.min(0, atMs - nowMs) / FADE_MS)
  }
}
