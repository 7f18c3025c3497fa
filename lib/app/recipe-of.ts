/** What was found in a content → its recipe, where that is worth anything. */
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { FoundParts } from '../delta/find-parts.js'
import { contentRoot } from '../hash/merkle.js'
import type { ContentId, Root } from '../hash/root.js'
import type { BuiltPage } from '../snapshot/build.js'
import {
  continues,
  decodeRecipe,
  encodeRecipe,
  packLiterals,
  type Recipe,
  type RecipePart,
} from '../snapshot/recipe.js'

/** Bytes that a recipe tells of, at least, and for each byte of its own. */
const LEAST_BYTES = 64 * 1024
const LEAST_SHARE = 20

/** `told`: bytes that it takes from elsewhere, and zeros. */
export type FoundRecipe = BuiltPage & { readonly told: number }

/**
 * @param contentOf the content of a row; parts of rows without one are left out
 * @returns the recipe as a content; null: it would not pay; wrong: others could not read it, which is a defect here and no
 *   reason not to publish
 */
export function recipeOf(
  content: ContentId,
  { parts: found, literals }: FoundParts,
  contentOf: (row: number) => ContentId | null,
): FoundRecipe | 'wrong' | null {
  const sources: ContentId[] = []
  const places = new Map<Root, number>()
  const parts: RecipePart[] = []
  let told = 0
  for (const part of found) {
    const made = part.kind === 'copy' ? copyOf(part, contentOf(part.row), places, sources) : part
    if (made === null) continue
    const before = parts[parts.length - 1]
    if (before !== undefined && continues(before, made))
      parts[parts.length - 1] = { ...before, length: before.length + made.length }
    else parts.push(made)
    if (made.kind !== 'literal') told += made.length
  }
  const recipe: Recipe = { length: content.length, sources, parts, packed: packLiterals(literals) }
  const bytes = encodeRecipe(recipe)
  const own = bytes.length - recipe.packed.length
  if (bytes.length > LIMITS.recipeBytes) return null
  if (told < LEAST_BYTES || told < own * LEAST_SHARE) return null
  if (!isReadable(bytes, content)) return 'wrong'
  return { id: { root: contentRoot(bytes), length: bytes.length }, bytes, told }
}

function isReadable(bytes: Uint8Array, content: ContentId): boolean {
  try {
    decodeRecipe(bytes, content)
    return true
  } catch (error) {
    if (error instanceof WireError) return false
    throw error
  }
}

function copyOf(
  part: Extract<FoundParts['parts'][number], { kind: 'copy' }>,
  content: ContentId | null,
  places: Map<Root, number>,
  sources: ContentId[],
): RecipePart | null {
  if (content === null) return null
  const { offset, length, from } = part
  const source = places.get(content.root) ?? sources.length
  if (source === sources.length) {
    places.set(content.root, source)
    sources.push(content)
  }
  return { offset, length, kind: 'copy', source, from }
}
