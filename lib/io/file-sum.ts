/** The sum of a file's bytes. */
import { readSync } from 'node:fs'
import type { Checksum } from '../hash/checksum.js'
import type { FileAt } from './equal-files.js'

const PART_BYTES = 256 * 1024

export function fileSum(file: FileAt, sum: Checksum): Uint8Array {
  const fd = file.tree.openFile(file.name)
  try {
    const part = Buffer.allocUnsafe(PART_BYTES)
    sum.start()
    for (let at = 0; ; ) {
      const got = readSync(fd, part, 0, part.length, at)
      if (got === 0) return sum.digest()
      sum.update(part.subarray(0, got))
      at += got
    }
  } finally {
    file.tree.closeFile(fd)
  }
}
