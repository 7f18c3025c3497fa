/**
 * Bencode, canonical and bounded: integers, byte strings, lists, dictionaries. BEP 3.
 * What decodes in strict order encodes to the same bytes again, so a hash of it may be taken from either.
 */
import { bytesOf, joined, latin1Of, utf8Bytes } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'

export type Bencoded = number | Uint8Array | readonly Bencoded[] | Dictionary
/** Keys have one char per byte. */
export type Dictionary = ReadonlyMap<string, Bencoded>

export type BencodeBounds = {
  /** Containers within containers. */
  readonly depth: number
  /** Values and keys in all. */
  readonly tokens: number
  /** `lenient` takes keys in any order; a key that comes twice is refused in both. */
  readonly order: 'strict' | 'lenient'
}

/** For what a peer sends in a message. */
export const PEER_BOUNDS: BencodeBounds = {
  depth: LIMITS.bencodeDepth,
  tokens: LIMITS.bencodeTokens,
  order: 'lenient',
}

/**
 * One value that fills `bytes`. Strings are views.
 * @throws {WireError} on anything else, also on input that ends early.
 */
export function decodeBencode(bytes: Uint8Array, bounds: BencodeBounds): Bencoded {
  const parser = new Parser(bytes, bounds)
  const value = parser.value(0)
  if (parser.pos !== bytes.length) throw parser.fault('bytes after the value')
  return value
}

/** As decodeBencode, where only a dictionary will do. */
export function decodeDictionary(bytes: Uint8Array, bounds: BencodeBounds): Dictionary {
  const value = decodeBencode(bytes, bounds)
  if (!isDictionary(value)) throw new WireError('bencode: not a dictionary')
  return value
}

export function encodeBencode(value: Bencoded): Uint8Array {
  const out: Uint8Array[] = []
  put(out, value)
  return joined(out)
}

/** A dictionary from a literal; keys with an undefined value are left out. */
export function dictionary(fields: Readonly<Record<string, Bencoded | undefined>>): Dictionary {
  const out = new Map<string, Bencoded>()
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) out.set(key, value)
  return out
}

export function isDictionary(value: Bencoded | undefined): value is Dictionary {
  return value instanceof Map
}
export function isList(value: Bencoded | undefined): value is readonly Bencoded[] {
  return Array.isArray(value)
}
/** The integer under `key` if it is one within the bounds, else undefined. */
export function integerAt(
  from: Dictionary,
  key: string,
  least: number,
  most: number,
): number | undefined {
  const value = from.get(key)
  return typeof value === 'number' && value >= least && value <= most ? value : undefined
}
export function bytesAt(from: Dictionary, key: string): Uint8Array | undefined {
  const value = from.get(key)
  return value instanceof Uint8Array ? value : undefined
}

const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const DICTIONARY = 0x64
const END = 0x65
const INTEGER = 0x69
const LIST = 0x6c
/** 2^53 has 16 digits. */
const DIGITS = 16

class Parser {
  readonly #bytes: Uint8Array
  readonly #bounds: BencodeBounds
  #tokens = 0
  pos = 0

  constructor(bytes: Uint8Array, bounds: BencodeBounds) {
    this.#bytes = bytes
    this.#bounds = bounds
  }

  value(depth: number): Bencoded {
    const first = this.#bytes[this.pos]
    this.#count()
    if (first === INTEGER) return this.#integer()
    if (first === LIST) return this.#list(this.#deeper(depth))
    if (first === DICTIONARY) return this.#dictionary(this.#deeper(depth))
    return this.#string()
  }

  fault(what: string): WireError {
    return new WireError(`${what} at byte ${this.pos}`, { at: 'bencode' })
  }

  #count(): void {
    if (++this.#tokens > this.#bounds.tokens) throw this.fault('too many values')
  }
  #deeper(depth: number): number {
    if (depth >= this.#bounds.depth) throw this.fault('too deep')
    this.pos++
    return depth + 1
  }

  #integer(): number {
    this.pos++
    const negative = this.#bytes[this.pos] === MINUS
    if (negative) this.pos++
    const size = this.#digits(END)
    if (negative && size === 0) throw this.fault('minus zero')
    return negative ? -size : size
  }

  #string(): Uint8Array {
    const length = this.#digits(COLON)
    const start = this.pos
    if (length > this.#bytes.length - start) throw this.fault('string past the end')
    this.pos = start + length
    return this.#bytes.subarray(start, this.pos)
  }

  #list(depth: number): Bencoded[] {
    const out: Bencoded[] = []
    while (!this.#ended()) out.push(this.value(depth))
    return out
  }

  #dictionary(depth: number): Dictionary {
    const out = new Map<string, Bencoded>()
    let last: string | null = null
    while (!this.#ended()) {
      this.#count()
      const key = latin1Of(this.#string())
      if (out.has(key)) throw this.fault('key that comes twice')
      if (this.#bounds.order === 'strict' && last !== null && key < last)
        throw this.fault('keys out of order')
      last = key
      out.set(key, this.value(depth))
    }
    return out
  }

  #ended(): boolean {
    const byte = this.#bytes[this.pos]
    if (byte === undefined) throw this.fault('ends early')
    if (byte !== END) return false
    this.pos++
    return true
  }

  /** Digits up to `end`, which is eaten too: shortest form, below 2^53. */
  #digits(end: number): number {
    const start = this.pos
    let value = 0
    for (;;) {
      const byte = this.#bytes[this.pos]
      if (byte === undefined) throw this.fault('ends early')
      if (byte < ZERO || byte > NINE) {
        if (byte !== end || this.pos === start) throw this.fault('not a number')
        break
      }
      if (this.pos - start === DIGITS) throw this.fault('number too long')
      value = value * 10 + (byte - ZERO)
      this.pos++
    }
    if (this.#bytes[start] === ZERO && this.pos - start > 1) throw this.fault('leading zero')
    if (value > Number.MAX_SAFE_INTEGER) throw this.fault('number above 2^53')
    this.pos++
    return value
  }
}

function put(out: Uint8Array[], value: Bencoded): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`bencode: ${value} is no integer`)
    out.push(utf8Bytes(`i${value === 0 ? 0 : value}e`))
  } else if (value instanceof Uint8Array) {
    out.push(utf8Bytes(`${value.length}:`), value)
  } else if (isDictionary(value)) {
    out.push(utf8Bytes('d'))
    for (const [key, item] of [...value].sort(([a], [b]) => (a < b ? -1 : 1))) {
      put(out, bytesOf(key))
      put(out, item)
    }
    out.push(utf8Bytes('e'))
  } else {
    out.push(utf8Bytes('l'))
    for (const item of value) put(out, item)
    out.push(utf8Bytes('e'))
  }
}
