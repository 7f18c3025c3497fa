/** JSON from outside, field by field: what is not there or of another type is a WireError, never a TypeError. RFC 8259. */
import { WireError } from './errors.js'

export type JsonObject = Readonly<Record<string, unknown>>

/** @param what for the message. @throws {WireError} */
export function parseObject(text: string, what: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new WireError('not JSON', { at: what, cause })
  }
  return objectOf(value, what)
}

/**
 * A message whose `type` says which of these it is; null: of a kind that is none of them, as of a later version.
 * @param what for the message. @throws {WireError}
 */
export function parseTyped<T>(
  text: string,
  what: string,
  kinds: Readonly<Record<string, (from: JsonObject) => T>>,
): T | null {
  const from = parseObject(text, what)
  const type = stringAt(from, 'type')
  const parse = Object.hasOwn(kinds, type) ? kinds[type] : undefined
  return parse === undefined ? null : parse(from)
}

export function objectOf(value: unknown, what: string): JsonObject {
  if (!isObject(value)) throw new WireError('not an object', { at: what })
  return value
}

/** The object that is a field of another. */
export function objectAt(from: JsonObject, name: string): JsonObject {
  return objectOf(own(from, name), name)
}

export function stringAt(from: JsonObject, name: string): string {
  const value = own(from, name)
  if (typeof value !== 'string') throw new WireError('not a string', { at: name })
  return value
}

/** A finite number that is not negative. */
export function numberAt(from: JsonObject, name: string): number {
  const value = own(from, name)
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new WireError('not a number', { at: name })
  return value
}

/** A whole number from 0 to 2^53 - 1. */
export function countAt(from: JsonObject, name: string): number {
  const value = numberAt(from, name)
  if (!Number.isSafeInteger(value)) throw new WireError('not a whole number', { at: name })
  return value
}

export function countOrNullAt(from: JsonObject, name: string): number | null {
  return own(from, name) === null ? null : countAt(from, name)
}

export function booleanAt(from: JsonObject, name: string): boolean {
  const value = own(from, name)
  if (typeof value !== 'boolean') throw new WireError('not true or false', { at: name })
  return value
}

/** @throws {WireError} on more than `most` */
export function listAt(from: JsonObject, name: string, most: number): readonly unknown[] {
  const value = own(from, name)
  if (!Array.isArray(value)) throw new WireError('not a list', { at: name })
  if (value.length > most) throw new WireError(`${value.length} elements`, { at: name })
  return value
}

function own(from: JsonObject, name: string): unknown {
  return Object.hasOwn(from, name) ? from[name] : undefined
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
