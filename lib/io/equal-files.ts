/** Do two files have the same bytes? Where both are here, comparing them costs less than sums of both. */
import { readSync } from 'node:fs'
import type { ByteName } from '../base/byte-name.js'
import type { DiskTree } from './tree.js'

export type FileAt = {
  readonly tree: Pick<DiskTree, 'openFile' | 'closeFile'>
  readonly name: ByteName
  readonly isFollowed?: boolean
}

const PART_BYTES = 256 * 1024

export function equalFiles(a: FileAt, b: FileAt): boolean {
  const first = a.tree.openFile(a.name, a.isFollowed)
  try {
    const second = b.tree.openFile(b.name, b.isFollowed)
    try {
      return equalBytes(first, second)
    } finally {
      b.tree.closeFile(second)
    }
  } finally {
    a.tree.closeFile(first)
  }
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
