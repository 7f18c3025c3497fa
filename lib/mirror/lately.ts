/**
 * A bounded table that forgets what was set longest ago. The order is kept beside the Map, in a ring: who asks a Map for its oldest
 * entry, and deletes it, again and again, walks over more and more holes.
 */
export class Lately<T> {
  readonly #most: number
  /** Where each key was set last. */
  readonly #places = new Map<string, number>()
  readonly #keys: string[] = []
  readonly #values: T[] = []
  #next = 0

  /** @param most entries; one that is set again takes another place */
  constructor(most: number) {
    this.#most = most
  }

  get(key: string): T | undefined {
    const place = this.#places.get(key)
    return place === undefined ? undefined : this.#values[place]
  }

  set(key: string, value: T): void {
    const place = this.#next
    const oldest = this.#keys[place]
    if (oldest !== undefined && this.#places.get(oldest) === place) this.#places.delete(oldest)
    this.#keys[place] = key
    this.#values[place] = value
    this.#places.set(key, place)
    this.#next = (place + 1) % this.#most
  }
}
