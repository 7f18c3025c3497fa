/** Stretches put together by a thread: every byte in its place, and a hash only for leaves that are whole. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LEAF_BYTES, leafHash } from '../../lib/hash/merkle.js'
import {
  type AssembleJob,
  openAssemblePool,
  type StandingFile,
} from '../../lib/io/assemble-pool.js'
import { noise } from '../delta/support.js'

const pool = openAssemblePool(1)
t.teardown(() => pool.close())

function standing(path: string): StandingFile {
  const { size, ino, mtimeNs } = statSync(path, { bigint: true })
  return { path, size: Number(size), ino, mtimeNs }
}

t.test('copies, zeros and literals over what stood there, in chunks, with gaps', async (t) => {
  const home = t.testdir({})
  const a = noise(600_001, 3)
  const paths = ['a', 'gone', 'b'].map((name) => join(home, name))
  for (const path of paths) writeFileSync(path, a)
  const files = paths.map(standing)
  writeFileSync(join(home, 'gone'), 'another')
  const target = join(home, 'target')
  const before = noise(1_500_000, 5)
  writeFileSync(target, before)
  const literals = noise(5000, 7)
  const offset = 2 * LEAF_BYTES
  const parts: AssembleJob['parts'] = [
    { offset, length: 600_001, kind: 'copy', file: 0, from: 0 },
    { offset: offset + 600_001, length: 5000, kind: 'literal', from: 0 },
    { offset: offset + 605_001, length: 70_000, kind: 'zeros' },
    { offset: offset + 675_001, length: 100_000, kind: 'copy', file: 1, from: 5 },
    { offset: offset + 775_001, length: 200_000, kind: 'copy', file: 2, from: 4096 },
  ]
  const length = 1_300_000
  const job = { target, offset, length, parts, files, literals, isFresh: false }
  const result = await pool.run(job)
  if (result.kind !== 'assembled') throw new Error(result.message)
  t.same(result.failed, [3])
  const expected = Uint8Array.from(before)
  expected.set(a, offset)
  expected.set(literals, offset + 600_001)
  expected.fill(0, offset + 605_001, offset + 675_001)
  expected.set(a.subarray(4096, 204_096), offset + 775_001)
  t.ok(readFileSync(target).equals(expected))
  for (let at = 0, i = 0; at < length; at += LEAF_BYTES, i++) {
    const end = Math.min(at + LEAF_BYTES, length)
    const isWhole = end <= 675_001 || (at >= 775_001 && end <= 975_001)
    const hash = Buffer.from(result.leaves.subarray(i * 32, i * 32 + 32))
    const own = leafHash(expected.subarray(offset + at, offset + end))
    t.ok(hash.equals(isWhole ? own : Buffer.alloc(32)), `leaf ${i}`)
  }
})

t.test('a file that ends too soon is a part that failed; no target is told', async (t) => {
  const home = t.testdir({ short: 'bytes' })
  const files = [standing(join(home, 'short'))]
  const target = join(home, 'target')
  const parts = [{ offset: 0, length: 600, kind: 'copy', file: 0, from: 0 }] as const
  const job = {
    target,
    offset: 0,
    length: 600,
    parts,
    files,
    literals: new Uint8Array(0),
    isFresh: true,
  }
  t.match(await pool.run(job), { kind: 'failed', code: 'ENOENT' })
  writeFileSync(target, Buffer.alloc(600))
  t.match(await pool.run(job), { kind: 'assembled', failed: [0] })
})
