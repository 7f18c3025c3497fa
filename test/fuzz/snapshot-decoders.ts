/** The decoders of snapshots, for the fuzz table. */
import assert from 'node:assert/strict'
import { Cursor, hexOf } from '../../lib/base/bytes.js'
import { rootOf } from '../../lib/hash/root.js'
import {
  decodeBatchPart,
  decodeBatchRequest,
  encodeBatchRequest,
} from '../../lib/snapshot/batch.js'
import { decodeHead } from '../../lib/snapshot/head.js'
import { decodePage, encodePage } from '../../lib/snapshot/page.js'
import { decodeRecipe, encodeRecipe, literalsOf } from '../../lib/snapshot/recipe.js'
import { validBytes } from '../support/vectors.js'
import type { Decoder } from './decoder.js'

const RECIPE_FOR = { root: rootOf(new Uint8Array(32).fill(0xee)), length: 2 ** 20 }

export const snapshotDecoders: readonly Decoder[] = [
  {
    name: 'page',
    decode: (bytes: Uint8Array): void => {
      assert.equal(hexOf(encodePage(decodePage(bytes))), hexOf(bytes), 'what is taken is canonical')
    },
    seeds: validBytes('snapshot/page.vec'),
  },
  { name: 'head', decode: decodeHead, seeds: validBytes('snapshot/head.vec') },
  {
    name: 'batch-request',
    decode: (bytes: Uint8Array): void => {
      assert.equal(hexOf(encodeBatchRequest(decodeBatchRequest(bytes))), hexOf(bytes))
    },
    seeds: validBytes('snapshot/batch.vec'),
  },
  {
    name: 'batch-part',
    decode: (bytes) => void decodeBatchPart(new Cursor(bytes), 65536),
    seeds: validBytes('snapshot/batch-part.vec'),
  },
  {
    name: 'recipe',
    decode: (bytes: Uint8Array): void => {
      const recipe = decodeRecipe(bytes, RECIPE_FOR)
      assert.equal(hexOf(encodeRecipe(recipe)), hexOf(bytes), 'what is taken is canonical')
      literalsOf(recipe)
    },
    seeds: validBytes('snapshot/recipe.vec'),
  },
]
