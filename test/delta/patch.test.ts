import t from 'tap'
import { WireError } from '../../lib/base/errors.js'
import { Patch } from '../../lib/delta/patch.js'
import { noise, sourceOf } from './support.js'

const head = { count: 3, blockLength: 100, sumLength: 2, remainder: 30 }

t.test('a block that the head does not have is refused', async (t) => {
  const patch = new Patch(head, sourceOf(noise(230, 1)), () => undefined)
  for (const block of [-1, 3, 2 ** 31, Number.NaN]) t.throws(() => patch.match(block), WireError)
  t.throws(() => new Patch(head, null, () => undefined).match(0), WireError)
})

t.test('runs of blocks are read at once, the short one as short as it is', async (t) => {
  const basis = noise(230, 1)
  const reads: number[] = []
  const out: Uint8Array[] = []
  const source = {
    length: 230,
    read(offset: number, into: Uint8Array) {
      reads.push(into.length)
      return sourceOf(basis).read(offset, into)
    },
  }
  const patch = new Patch(head, source, (bytes) => out.push(Uint8Array.from(bytes)))
  for (const block of [0, 1, 2, 2, 0]) patch.match(block)
  patch.literal(Buffer.from('xyz'), 1, 2)
  patch.finish()
  t.strictSame(reads, [230, 30, 100])
  const [a, b] = [basis.subarray(200), basis.subarray(0, 100)]
  t.strictSame(Buffer.concat(out), Buffer.concat([basis, a, b, Buffer.from('y')]))
  t.equal(patch.literalBytes, 1)
  t.equal(patch.matchedBytes, 360)
})

t.test('a basis that has become shorter gives zeros, which no sum will match', async (t) => {
  const out: Uint8Array[] = []
  const patch = new Patch(head, sourceOf(noise(150, 1)), (b) => out.push(Uint8Array.from(b)))
  patch.match(1)
  patch.finish()
  t.strictSame(Buffer.concat(out).subarray(50), Buffer.alloc(50))
})
