import t from 'tap'
import {
  bytesOf,
  Cursor,
  hexOf,
  latin1Of,
  Underflow,
  utf8Bytes,
  utf8Of,
  Writer,
} from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'

t.test('a writer keeps every byte when it grows', async (t) => {
  const cases: Array<[name: string, write: (to: Writer) => void, hex: string]> = [
    ['u8', (to) => to.u8(1), '01'],
    ['u16be', (to) => to.u16be(1), '0001'],
    ['u32be', (to) => to.u32be(1), '00000001'],
    ['u32le', (to) => to.u32le(1), '01000000'],
    ['i32le', (to) => to.i32le(-2), 'feffffff'],
    ['u64le', (to) => to.u64le(1n), '0100000000000000'],
    ['varint', (to) => to.varint(300), 'ac02'],
    ['put', (to) => to.put(Uint8Array.of(1, 2)), '0102'],
    ['latin1', (to) => to.latin1('\x01\xff'), '01ff'],
  ]
  for (const [name, write, hex] of cases) {
    const out = new Writer(1)
    write(out)
    write(out)
    t.equal(hexOf(out.done()), hex + hex, name)
  }
})

t.test('numbers come back', async (t) => {
  const out = new Writer(1)
  const numbers = [0, 127, 128, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]
  for (const n of numbers) out.varint(n)
  const from = new Cursor(out.done())
  t.same(
    numbers.map(() => from.varint()),
    numbers,
  )
})

t.test('a number has one form, and ends at 2^53', async (t) => {
  const read = (hex: string): number => new Cursor(Buffer.from(hex, 'hex')).varint()
  t.equal(read('00'), 0)
  t.equal(read('ffffffffffffff0f'), Number.MAX_SAFE_INTEGER)
  for (const hex of [
    '8000',
    'ff00',
    '80808000',
    'ffffffffffffff10',
    'ffffffffffffff7f',
    '80'.repeat(8),
  ])
    t.throws(() => read(hex), WireError, hex)
  for (const hex of ['', '80', 'ffffffffffffff']) t.throws(() => read(hex), Underflow, hex)
})

t.test('taking too much takes nothing', async (t) => {
  const from = new Cursor(Uint8Array.of(1, 2, 3))
  t.throws(() => from.u32be(), Underflow)
  t.equal(from.u8(), 1)
  t.throws(() => from.view(3), Underflow)
  t.equal(from.latin1(2), '\x02\x03')
  t.equal(from.left, 0)
})

t.test('a cursor over a part of a buffer stays in it', async (t) => {
  const part = Uint8Array.of(0xff, 0, 0, 0, 7, 0xff).subarray(1, 5)
  const from = new Cursor(part)
  t.equal(from.u32be(), 7)
  t.throws(() => from.u8(), Underflow)
})

t.test('text: UTF-8 is checked, latin1 keeps every byte', async (t) => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i)
  t.same(new Uint8Array(bytesOf(latin1Of(all))), all)
  t.throws(() => utf8Of(Uint8Array.of(0xc3)), TypeError)
  t.equal(utf8Of(utf8Bytes('\ufeffä')), '\ufeffä')
})
