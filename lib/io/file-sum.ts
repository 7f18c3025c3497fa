/** The sum of a file's bytes. */
import { readSync } from 'node:fs'
import type { Checksum } from '../hash/checksum.js'
import type { FileAt } from './equal-files.js'

const PART_BYTES = 256 * 1024

export function fileSum(file: FileAt, sum: Checksum): Uint8Array {
  const parts = partsOf(file, sum)
  for (;;) {
    const { done, value } = parts.next()
    if (done === true) return value
  }
}
/** The same for a file that may be large. @param pause what has to be awaited before the next part; null: nothing */
export async function fileSumInParts(
  file: FileAt,
  sum: Checksum,
  pause: () => Promise<void> | null,
): Promise<Uint8Array> {
  const parts = partsOf(file, sum)
  try {
    for (;;) {
      const { done, value } = parts.next()
      if (done === true) return value
      const wait = pause()
      if (wait !== null) await wait
    }
  } finally {
    parts.return(NOTHING)
  }
}
const NOTHING = new Uint8Array(0)

/** Made once: each part is done with before anybody else reads. */
let part: Buffer | null = null

function* partsOf(file: FileAt, sum: Checksum): Generator<void, Uint8Array, void> {
  const fd = file.tree.openFile(file.name)
  try {
    part ??= Buffer.allocUnsafeSlow(PART_BYTES)
    sum.start()
    for (let at = 0; ; ) {
      const got = readSync(fd, part, 0, part.length, at)
      if (got === 0) return sum.digest()
      sum.update(part.subarray(0, got))
      at += got
      yield
      // A file gives fewer bytes than asked for at its end only: read(2).
      if (got < part.length) return sum.digest()
    }
  } finally {
    file.tree.closeFile(fd)
  }
}
