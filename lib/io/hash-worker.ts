/**
 * A thread of the hash pool. One read of a file gives its leaf hashes and, where wanted, its √size sums and digests. Reads
 * synchronously, straight into the kernel's memory: that is what threads are for.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { codeOf, messageOf } from '../base/errors.js'
import { AnchorTable } from '../delta/anchor-table.js'
import { type Anchor, anchorIn, HEAD_BYTES, marksOf } from '../delta/anchors.js'
import { contentBlockLength } from '../delta/block-size.js'
import { ImageScan } from '../delta/image-scan.js'
import { encodeSums, SumsBuilder } from '../delta/sums.js'
import { DigestBuilder } from '../hash/digests.js'
import { contentRoot, LEAF_BYTES, leafCount, leafHash, rootOfLeaves } from '../hash/merkle.js'
import { ROOT_BYTES, rootOf } from '../hash/root.js'
import { SMALL_BYTES } from '../hash/unit.js'
import { openKernel } from '../kernel/kernel.js'
import type { Hashed, HashJob } from './hash-pool.js'
import type { RecipeJob } from './recipe-pool.js'
import { recipeWork } from './recipe-work.js'

/** Large enough that a read costs nothing beside hashing it, small enough for the cache; whole blocks of any sums. */
const CHUNK = 1 << 20
/** A file that goes on changing is left alone after so many looks. */
const LOOKS = 3

const START = ImageScan.CARRY
const kernel = openKernel({ dataBytes: START + CHUNK, entries: 1 })
const headMarks = marksOf(HEAD_BYTES)
const chunk = kernel.data.subarray(START, START + CHUNK)

parentPort?.on('message', ({ id, job }: { id: number; job: readonly HashJob[] | RecipeJob }) => {
  parentPort?.postMessage({ id, result: 'kind' in job ? recipeWork(job) : job.map(hashed) })
})

function hashed(job: HashJob): Hashed {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const fd = openSync(Buffer.from(job.path, 'latin1'), flags)
    try {
      return hashedOpen(fd, job)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    return { kind: 'failed', code: codeOf(error) ?? '', message: messageOf(error) }
  }
}

function hashedOpen(fd: number, wanted: HashJob): Hashed {
  for (let look = 0; look < LOOKS; look++) {
    const before = fstatSync(fd, { bigint: true })
    if (!before.isFile())
      return { kind: 'failed', code: 'EINVAL', message: 'no longer a regular file' }
    const size = Number(before.size)
    const hasSums = wanted.sums && size > SMALL_BYTES && contentBlockLength(size) !== null
    const { scan: wish } = wanted
    const extras: Extras = {
      sums: hasSums ? new SumsBuilder(size) : null,
      digests: wanted.digests === true && size > 0 ? new DigestBuilder(size) : null,
      scan: wish === undefined ? null : new ImageScan(new AnchorTable(wish.table), wish.own, CHUNK),
      isAnchored: wanted.anchor === true,
    }
    const read = readThrough(fd, size, extras)
    const after = fstatSync(fd, { bigint: true })
    const { ino, mtimeNs, ctimeNs } = after
    const isSame =
      before.size === after.size && before.mtimeNs === mtimeNs && before.ctimeNs === ctimeNs
    if (read === null || !isSame) continue
    const { leaves, sums, anchor } = read
    const root =
      leaves.length === 0
        ? null
        : leaves.length === ROOT_BYTES
          ? rootOf(leaves)
          : rootOfLeaves(leaves)
    return {
      kind: 'hashed',
      root,
      size,
      ino,
      mtimeNs,
      ctimeNs,
      leaves: size > SMALL_BYTES ? leaves : null,
      sums,
      digests: extras.digests?.done() ?? null,
      anchor,
      hits: extras.scan?.done() ?? null,
    }
  }
  return { kind: 'changing' }
}

type Read = Pick<Extract<Hashed, { kind: 'hashed' }>, 'sums' | 'anchor'> & {
  readonly leaves: Uint8Array
}
/** What else is taken from the bytes on the way. */
type Extras = {
  readonly sums: SumsBuilder | null
  readonly digests: DigestBuilder | null
  readonly scan: ImageScan | null
  readonly isAnchored: boolean
}

/** Null where the file is not as long as it said. */
function readThrough(fd: number, size: number, extras: Extras): Read | null {
  const { sums: builder, digests, scan, isAnchored } = extras
  const leaves = new Uint8Array(leafCount(size) * ROOT_BYTES)
  let at = 0
  let position = 0
  let anchor: Anchor | null = null
  for (;;) {
    const got = readFully(fd, position)
    if (position + got > size) return null
    for (let start = 0; start < got; start += LEAF_BYTES, at += ROOT_BYTES)
      leaves.set(leafHash(chunk.subarray(start, Math.min(start + LEAF_BYTES, got))), at)
    if (got > 0) builder?.add(kernel, START, got)
    digests?.add(chunk.subarray(0, got))
    if (isAnchored && position === 0) anchor = headAnchor(got)
    scan?.add(kernel, START, got)
    position += got
    if (got < CHUNK) break
  }
  if (position !== size) return null
  const built = builder?.done() ?? null
  if (built === null) return { leaves, sums: null, anchor }
  const bytes = encodeSums(built).slice()
  const sums = { id: { root: contentRoot(bytes), length: bytes.length }, bytes }
  return { leaves, sums, anchor }
}

/** Of a content whose first bytes are in memory. */
function headAnchor(got: number): Anchor | null {
  return anchorIn(kernel, START, Math.min(got, HEAD_BYTES), headMarks)
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
