/** A worker thread of the hash pool: files in, roots and leaf hashes out. Reads synchronously; that is what threads are for. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { codeOf, messageOf } from '../base/errors.js'
import { LEAF_BYTES, leafCount, leafHash, rootOfLeaves } from '../hash/merkle.js'
import { ROOT_BYTES, rootOf } from '../hash/root.js'
import type { Hashed, HashJob } from './hash-pool.js'

/** Large enough that a read costs nothing beside hashing it, small enough for the cache. */
const CHUNK = 1 << 20
/** A file that goes on changing is left alone after so many looks. */
const LOOKS = 3

const chunk = Buffer.allocUnsafeSlow(CHUNK)

parentPort?.on('message', (job: HashJob) => {
  const results = job.paths.map((path) => hashed(path, job.leavesAbove))
  parentPort?.postMessage({ id: job.id, results })
})

function hashed(path: string, leavesAbove: number): Hashed {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const fd = openSync(Buffer.from(path, 'latin1'), flags)
    try {
      for (let look = 0; look < LOOKS; look++) {
        const before = fstatSync(fd, { bigint: true })
        if (!before.isFile())
          return { kind: 'failed', code: 'EINVAL', message: 'no longer a regular file' }
        const leaves = leavesOfFile(fd, Number(before.size))
        const after = fstatSync(fd, { bigint: true })
        const same =
          leaves !== null &&
          before.size === after.size &&
          before.mtimeNs === after.mtimeNs &&
          before.ctimeNs === after.ctimeNs
        if (!same) continue
        const { ino, mtimeNs, ctimeNs } = after
        const root =
          leaves.length === 0
            ? null
            : leaves.length === ROOT_BYTES
              ? rootOf(leaves)
              : rootOfLeaves(leaves)
        const size = Number(after.size)
        return {
          kind: 'hashed',
          root,
          size,
          ino,
          mtimeNs,
          ctimeNs,
          leaves: size > leavesAbove ? leaves : null,
        }
      }
      return { kind: 'changing' }
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    return { kind: 'failed', code: codeOf(error) ?? '', message: messageOf(error) }
  }
}

/** Packed leaf hashes, or null where the file is not as long as it said. */
function leavesOfFile(fd: number, size: number): Uint8Array | null {
  const leaves = new Uint8Array(leafCount(size) * ROOT_BYTES)
  let at = 0
  let position = 0
  for (;;) {
    const got = readFully(fd, position)
    for (let start = 0; start < got; start += LEAF_BYTES, at += ROOT_BYTES) {
      if (at >= leaves.length) return null
      leaves.set(leafHash(chunk.subarray(start, Math.min(start + LEAF_BYTES, got))), at)
    }
    position += got
    if (got < CHUNK) return position === size ? leaves : null
  }
}

function readFully(fd: number, position: number): number {
  let got = 0
  while (got < CHUNK) {
    const n = readSync(fd, chunk, got, CHUNK - got, position + got)
    if (n === 0) break
    got += n
  }
  return got
}
