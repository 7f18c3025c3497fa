/** Statistics at the end: round trips and limits. */
import assert from 'node:assert/strict'
import t from 'tap'
import { Cursor, Writer } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { readDeleted, readStats, writeDeleted, writeStats } from '../../lib/wire/farewell.js'
import { writeVarint } from '../../lib/wire/ints.js'
import fc from '../support/properties.js'

const KINDS = ['file', 'directory', 'symlink', 'device', 'special'] as const

t.test('statistics go round; times are told since protocol 29', async () => {
  const figure = fc.oneof(fc.nat(), fc.nat(2 ** 45))
  const any = fc.record(
    { read: figure, written: figure, size: figure, listBuildMs: fc.nat(), listSendMs: fc.nat() },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(any, fc.integer({ min: 27, max: 32 }), (stats, protocol) => {
      const w = new Writer()
      writeStats(w, stats, protocol)
      const c = new Cursor(w.done())
      const untimed = { ...stats, listBuildMs: 0, listSendMs: 0 }
      assert.deepEqual(readStats(c, protocol), protocol < 29 ? untimed : stats)
      assert.equal(c.left, 0)
    }),
  )
})

t.test('deletions go round in their order', async (t) => {
  const w = new Writer()
  const deleted = { file: 1, directory: 2, symlink: 3, device: 300, special: 2 ** 28 }
  writeDeleted(w, deleted)
  const bytes = Uint8Array.from(w.done())
  t.same(readDeleted(new Cursor(bytes)), deleted)
  t.same([...bytes.subarray(0, 3)], [1, 2, 3])
})

t.test('counts of deletions that are not believed', async (t) => {
  for (const kind of KINDS)
    for (const count of [-1, 2 ** 28 + 1]) {
      const w = new Writer()
      for (const each of KINDS) writeVarint(w, each === kind ? count : 0)
      t.throws(() => readDeleted(new Cursor(w.done())), WireError, `${count} of ${kind}`)
    }
})
