/**
 * Golden vectors, fixtures/<folder>/<codec>.vec: `source:` says which other implementation made them; a case is
 * `case:`, then `value:` (JSON) or `expect:` (the name of an error), then `bytes:` (hex).
 * A value is tried four ways: decode equals, encode equals, re-encode of decode equals, every proper prefix is refused.
 */
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { hexOf, Underflow } from '../../lib/base/bytes.js'
import { PrsyncError } from '../../lib/base/errors.js'
import { parseRootHex } from '../../lib/hash/root.js'
import { projectFile } from './project.js'

export type Codec<T> = {
  readonly decode: (bytes: Uint8Array) => T
  readonly encode: (value: T) => Uint8Array
}

export function testVectors<T>(t: Test, file: string, codec: Codec<T>): void {
  const vectors = vectorsOf(file)
  t.ok(vectors.length > 0, 'there are vectors')
  for (const { name, value, expect, bytes } of vectors) {
    if (expect !== null) {
      t.equal(verdict(codec, bytes), expect, `${name}: refused`)
      continue
    }
    const decoded = codec.decode(bytes)
    t.same(decoded, value, `${name}: decode`)
    t.equal(hexOf(codec.encode(value as T)), hexOf(bytes), `${name}: encode`)
    t.equal(hexOf(codec.encode(decoded)), hexOf(bytes), `${name}: encode what was decoded`)
    const taken: number[] = []
    for (let end = 0; end < bytes.length; end++)
      if (verdict(codec, bytes.subarray(0, end)) === 'value') taken.push(end)
    t.same(taken, [], `${name}: no prefix passes for a whole`)
  }
}

/** The bytes of the valid cases, to be damaged. */
export function validBytes(file: string): Uint8Array[] {
  return vectorsOf(file).flatMap(({ expect, bytes }) => (expect === null ? [bytes] : []))
}

type Vector = {
  readonly name: string
  readonly value: unknown
  readonly expect: string | null
  readonly bytes: Uint8Array
}

function vectorsOf(file: string): Vector[] {
  const [head = '', ...cases] = readFileSync(projectFile(`fixtures/${file}`), 'utf8').split('\n\n')
  if (!head.startsWith('source: ')) throw new Error(`${file} does not say where it is from`)
  return cases.map((text) => {
    const field = (key: string): string | null =>
      new RegExp(`^${key}: (.*)$`, 'm').exec(text)?.[1] ?? null
    const json = field('value')
    const value: unknown = json === null ? null : JSON.parse(json, revived)
    return {
      name: field('case') ?? text,
      value,
      expect: field('expect'),
      bytes: Uint8Array.from(Buffer.from(field('bytes') ?? '', 'hex')),
    }
  })
}

/** What JSON has no word for, by the name of the field. */
function revived(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (key === 'root' || key === 'basis') return parseRootHex(value)
  if (key === 'mtimeNs') return BigInt(value)
  if (key === 'key') return Uint8Array.from(Buffer.from(value, 'base64'))
  return key === 'bytes' || key === 'packed' ? Uint8Array.from(Buffer.from(value, 'hex')) : value
}

function verdict<T>(codec: Codec<T>, bytes: Uint8Array): string {
  try {
    codec.decode(bytes)
    return 'value'
  } catch (error) {
    if (error instanceof Underflow || error instanceof PrsyncError) return error.name
    throw error
  }
}
