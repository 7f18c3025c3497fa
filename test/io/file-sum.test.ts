/** Sums of files at once and in parts, between which other things may happen. */
import { readdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import { hexOf } from '../../lib/base/bytes.js'
import { openChecksum } from '../../lib/hash/checksum.js'
import { fileSum, fileSumInParts } from '../../lib/io/file-sum.js'
import { DiskTree } from '../../lib/io/tree.js'
import { seededRandom } from '../support/seeded-random.js'

const PART = 256 * 1024

t.test('the same sum, with a pause after each part', async (t) => {
  const home = t.testdir()
  const tree = new DiskTree(home)
  t.teardown(() => tree.close())
  const sum = await openChecksum('md5', 0)
  for (const length of [0, 1, PART, PART + 1, 3 * PART]) {
    writeFileSync(`${home}/f`, seededRandom(length + 1).bytes(length))
    const file = { tree, name: byteName('f') }
    const expected = hexOf(fileSum(file, sum))
    let pauses = 0
    const pause = (): Promise<void> | null => (++pauses % 2 === 0 ? null : Promise.resolve())
    t.equal(hexOf(await fileSumInParts(file, sum, pause)), expected)
    t.equal(pauses, Math.ceil(length / PART))
  }
})

t.test('given up in a pause, the file is closed', async (t) => {
  const home = t.testdir({ f: 'text' })
  const tree = new DiskTree(home)
  t.teardown(() => tree.close())
  const sum = await openChecksum('md5', 0)
  const open = readdirSync('/proc/self/fd').length
  const stopped = (): Promise<void> => Promise.reject(new Error('stopped'))
  await t.rejects(fileSumInParts({ tree, name: byteName('f') }, sum, stopped), /stopped/)
  t.equal(readdirSync('/proc/self/fd').length, open)
})
