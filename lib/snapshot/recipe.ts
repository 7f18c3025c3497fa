/**
 * A recipe: which ranges of a content equal ranges of other contents, so that who has those need not fetch them. Itself a
 * content, named by the entry of a file. A hint alone: what is put together with it is verified by the content's own root.
 * Laid down in prsync-snapshot(5) RECIPES. Strict: one encoding for one value.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { Cursor, EMPTY, Underflow, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { type ContentId, ROOT_BYTES, type Root, rootOf } from '../hash/root.js'

/** Bytes of the content from `offset` on. */
export type RecipePart = { readonly offset: number; readonly length: number } & (
  | { readonly kind: 'zeros' }
  /** The next bytes of the literals. */
  | { readonly kind: 'literal' }
  /** Bytes of a source, by its place among the sources, from `from` on. */
  | { readonly kind: 'copy'; readonly source: number; readonly from: number }
)

export type Recipe = {
  /** Of the content. */
  readonly length: number
  /** In the order of their first use. */
  readonly sources: readonly ContentId[]
  /** In rising order, apart from one another; what none of them tells has to be fetched. */
  readonly parts: readonly RecipePart[]
  /** All literal bytes one after the other, as raw deflate; empty where there are none. */
  readonly packed: Uint8Array
}

const MAGIC = 0x70737201
const ZEROS = 0
const LITERAL = 1
const FIRST_SOURCE = 2

/** @returns raw deflate of literals, for a recipe */
export function packLiterals(bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 ? EMPTY : Uint8Array.from(deflateRawSync(bytes, { level: 9 }))
}

/** The literal bytes of a recipe. @throws {WireError} where they are not as many as its parts say. */
export function literalsOf({ parts, packed }: Recipe): Uint8Array {
  let length = 0
  for (const part of parts) if (part.kind === 'literal') length += part.length
  if (length === 0) return EMPTY
  let bytes: Uint8Array
  try {
    bytes = inflateRawSync(packed, { maxOutputLength: length })
  } catch (cause) {
    throw new WireError('recipe: literals that cannot be read', { cause })
  }
  if (bytes.length !== length)
    throw new WireError(`recipe: ${bytes.length} bytes of literals for ${length}`)
  return bytes
}

export function encodeRecipe(recipe: Recipe): Uint8Array {
  const { sources, parts, packed } = recipe
  const out = new Writer(64 + sources.length * (ROOT_BYTES + 4) + parts.length * 12 + packed.length)
  out.u32be(MAGIC)
  out.varint(recipe.length)
  out.varint(sources.length)
  for (const { length, root } of sources) {
    out.varint(length)
    out.latin1(root)
  }
  out.varint(parts.length)
  let end = 0
  for (const part of parts) {
    out.varint(part.offset - end)
    out.varint(part.length)
    if (part.kind === 'copy') {
      out.varint(FIRST_SOURCE + part.source)
      out.varint(part.from)
    } else out.varint(part.kind === 'zeros' ? ZEROS : LITERAL)
    end = part.offset + part.length
  }
  out.varint(packed.length)
  out.put(packed)
  return out.done().slice()
}

/** Keeps a view of the bytes. @throws {WireError} on anything that encodeRecipe would not have written for this content. */
export function decodeRecipe(bytes: Uint8Array, content: ContentId): Recipe {
  if (bytes.length > LIMITS.recipeBytes) throw new WireError(`recipe of ${bytes.length} bytes`)
  const from = new Cursor(bytes)
  try {
    if (from.u32be() !== MAGIC) throw new WireError('not a recipe')
    const length = from.varint()
    if (length !== content.length) throw new WireError(`recipe for ${length} bytes`)
    const sources = takeSources(from, content.root)
    const parts = takeParts(from, length, sources)
    const packed = from.view(from.varint())
    if (from.left > 0) throw new WireError(`recipe with ${from.left} bytes too many`)
    if (packed.length > 0 !== parts.some(({ kind }) => kind === 'literal'))
      throw new WireError('recipe: literals without a part, or a part without them')
    return { length, sources, parts, packed }
  } catch (error) {
    if (error instanceof Underflow) throw new WireError('recipe ends too early', { cause: error })
    throw error
  }
}

function takeSources(from: Cursor, own: Root): ContentId[] {
  const count = from.varint()
  if (count > LIMITS.recipeParts) throw new WireError(`recipe of ${count} sources`)
  const sources: ContentId[] = []
  const seen = new Set<Root>([own])
  for (let i = 0; i < count; i++) {
    const length = from.varint()
    if (length === 0 || length > LIMITS.contentBytes)
      throw new WireError(`recipe: source of ${length} bytes`)
    const root = rootOf(from.view(ROOT_BYTES))
    if (seen.has(root)) throw new WireError('recipe: a source twice, or the content itself')
    seen.add(root)
    sources.push({ length, root })
  }
  return sources
}

function takeParts(from: Cursor, length: number, sources: readonly ContentId[]): RecipePart[] {
  const count = from.varint()
  if (count > LIMITS.recipeParts) throw new WireError(`recipe of ${count} parts`)
  const parts: RecipePart[] = []
  let used = 0
  let end = 0
  let literals = 0
  for (let i = 0; i < count; i++) {
    const gap = from.varint()
    const size = from.varint()
    const offset = end + gap
    end = offset + size
    if (size === 0 || end > length) throw new WireError('recipe: a part outside of the content')
    const part = takePart(from, { offset, length: size }, sources, used)
    if (part.kind === 'copy' && part.source === used) used++
    if (part.kind === 'literal') literals += size
    const before = parts[i - 1]
    if (before !== undefined && continues(before, part))
      throw new WireError('recipe: parts that are one')
    parts.push(part)
  }
  if (used !== sources.length) throw new WireError('recipe: a source that nothing uses')
  if (literals > LIMITS.recipeLiteralBytes)
    throw new WireError(`recipe: ${literals} bytes of literals`)
  return parts
}

function takePart(
  from: Cursor,
  range: { readonly offset: number; readonly length: number },
  sources: readonly ContentId[],
  used: number,
): RecipePart {
  const kind = from.varint()
  if (kind === ZEROS) return { ...range, kind: 'zeros' }
  if (kind === LITERAL) return { ...range, kind: 'literal' }
  const index = kind - FIRST_SOURCE
  const source = sources[index]
  // In the order of their first use, so that there is one encoding only.
  if (source === undefined || index > used) throw new WireError(`recipe: source ${index}`)
  const start = from.varint()
  if (start + range.length > source.length)
    throw new WireError('recipe: a range past the end of its source')
  return { ...range, kind: 'copy', source: index, from: start }
}

/** Are these two one part, in two? */
export function continues(before: RecipePart, part: RecipePart): boolean {
  if (before.offset + before.length !== part.offset || before.kind !== part.kind) return false
  if (before.kind !== 'copy' || part.kind !== 'copy') return true
  return before.source === part.source && before.from + before.length === part.from
}
