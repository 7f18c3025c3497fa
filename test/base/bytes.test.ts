import t from 'tap'
import { Cursor, hexOf, Writer } from '../../lib/base/bytes.js'

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
