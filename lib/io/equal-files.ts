/** Do two files have the same bytes? Where both are here, comparing them costs less than sums of both. */
import { readSync } from 'node:fs'
import type { ByteName } from '../base/byte-name.js'
import { codeOf, FileError } from '../base/errors.js'
import type { DiskTree } from './tree.js'

export type FileAt = {
  readonly tree: Pick<DiskTree, 'openFile' | 'closeFile'>
  readonly name: ByteName
  readonly isFollowed?: boolean
}

const PART_BYTES = 256 * 1024

/** Two that cannot be read are alike, as their sums are to rsync: it has none of either. */
export function equalFiles(a: FileAt, b: FileAt): boolean {
  const first = opened(a)
  const second = opened(b)
  try {
    if (first === null || second === null) return first === second
    return equalBytes(first, second)
  } catch (error) {
    return unreadable(error) ?? false
  } finally {
    if (first !== null) a.tree.closeFile(first)
    if (second !== null) b.tree.closeFile(second)
  }
}

function opened({ tree, name, isFollowed }: FileAt): number | null {
  try {
    return tree.openFile(name, isFollowed)
  } catch (error) {
    return unreadable(error)
  }
}
/** Of what the system refuses. @throws all else */
function unreadable(error: unknown): null {
  if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
  return null
}

/** Made once: one for each file would cost more than reading it. */
let parts: readonly [Buffer, Buffer] | null = null

function equalBytes(a: number, b: number): boolean {
  parts ??= [Buffer.allocUnsafeSlow(PART_BYTES), Buffer.allocUnsafeSlow(PART_BYTES)]
  const [x, y] = parts
  for (let at = 0; ; ) {
    const got = readSync(a, x, 0, x.length, at)
    if (readSync(b, y, 0, Math.max(1, got), at) !== got) return false
    if (got === 0) return true
    if (x.compare(y, 0, got, 0, got) !== 0) return false
    at += got
  }
}
