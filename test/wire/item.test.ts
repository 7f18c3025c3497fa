/** Items, and what is asked of extended attributes: round trips and limits. */
import assert from 'node:assert/strict'
import t from 'tap'
import { Cursor, Underflow, Writer } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import { writeShort, writeVarint, writeVstring } from '../../lib/wire/ints.js'
import * as items from '../../lib/wire/item.js'
import fc from '../support/properties.js'

function bytes(write: (w: Writer) => void): Uint8Array {
  const w = new Writer()
  write(w)
  return Uint8Array.from(w.done())
}

t.test('items go round, and every shorter piece of one is too short', async () => {
  const announced = items.BASIS_FOLLOWS | items.XNAME_FOLLOWS
  const any = fc.record(
    {
      flags: fc.nat(0xffff).map((flags) => flags & ~announced),
      basis: fc.nat(0xff),
      xname: fc.option(fc.string({ unit: 'binary-ascii', maxLength: 300 })),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(any, fc.integer({ min: 29, max: 32 }), ({ flags, basis, xname }, protocol) => {
      const item = items.itemOf(flags, basis, xname)
      const written = bytes((w) => items.writeItem(w, item, protocol))
      const c = new Cursor(written)
      assert.deepEqual(items.readItem(c, protocol), item)
      assert.equal(c.left, 0)
      for (let end = 0; end < written.length; end++)
        assert.throws(
          () => items.readItem(new Cursor(written.subarray(0, end)), protocol),
          Underflow,
        )
    }),
  )
})

t.test('before protocol 29 there is nothing of it: each is a transfer', async (t) => {
  const item = items.itemOf(0x8000, items.BASIS.fuzzy, 'x')
  t.equal(bytes((w) => items.writeItem(w, item, 28)).length, 0)
  t.same(items.readItem(new Cursor(new Uint8Array(0)), 28), {
    iflags: 0x8000,
    basis: items.BASIS.file,
    xname: null,
  })
})

t.test('a name longer than a name', async (t) => {
  const named = (length: number): Uint8Array =>
    bytes((w) => {
      writeShort(w, items.XNAME_FOLLOWS)
      writeVstring(w, 'x'.repeat(length))
    })
  t.equal(items.readItem(new Cursor(named(LIMITS.nameBytes)), 32).xname?.length, LIMITS.nameBytes)
  t.throws(() => items.readItem(new Cursor(named(LIMITS.nameBytes + 1)), 32), WireError)
})

t.test('values of extended attributes: what is wanted, what is answered', async (t) => {
  for (const wants of [[], [1], [1, 2, 9, 70_000]]) {
    const c = new Cursor(bytes((w) => items.writeXattrWants(w, wants)))
    t.same([items.readXattrWants(c), c.left], [wants, 0])
  }
  const answers = [
    { item: 2, value: 'a\0\xff' },
    { item: 3, value: '' },
    { item: 40, value: 'v'.repeat(5000) },
  ]
  const c = new Cursor(bytes((w) => items.writeXattrAnswers(w, answers)))
  t.same([items.readXattrAnswers(c), c.left], [answers, 0])
})

t.test('values of extended attributes that cannot be', async (t) => {
  const ints = (...values: number[]): Cursor =>
    new Cursor(
      bytes((w) => {
        for (const value of values) writeVarint(w, value)
      }),
    )
  t.throws(() => items.readXattrWants(ints(-1, 0)), WireError, 'before the first')
  t.throws(() => items.readXattrWants(ints(3, -3, 0)), WireError, 'back to none')
  t.throws(() => items.readXattrWants(ints(3, 1, -1, 0)), WireError, 'one of them again')
  t.throws(() => items.readXattrAnswers(ints(1, -1)), WireError, 'a length below nothing')
  t.throws(() => items.readXattrAnswers(ints(1, LIMITS.xattrValueBytes + 1)), WireError, 'too long')
  const many = new Uint8Array(LIMITS.xattrItems + 2).fill(1)
  t.throws(() => items.readXattrWants(new Cursor(many)), WireError, 'too many')
  t.test('values that are too much together are refused before they are held', async (t) => {
    const { xattrValueBytes, xattrAnswerBytes } = LIMITS
    // A cursor that has the bytes of every value without holding them.
    class Endless extends Cursor {
      override latin1(n: number): string {
        return n > 1 ? '' : super.latin1(n)
      }
    }
    const w = bytes((to) => {
      for (let n = 0; n <= xattrAnswerBytes / xattrValueBytes; n++) {
        writeVarint(to, 1)
        writeVarint(to, xattrValueBytes)
      }
    })
    t.throws(() => items.readXattrAnswers(new Endless(w)), { message: /attribute of/ })
  })
})
