/** Anchors, the scan for them, and what is made of the hits: over contents in memory, and images put together of them. */
import assert from 'node:assert/strict'
import t from 'tap'
import { AnchorTable, NO_ROW } from '../../lib/delta/anchor-table.js'
import { type Anchor, anchorIn, HEAD_BYTES, marksIn, marksOf } from '../../lib/delta/anchors.js'
import { cutHits, findCopies, type PartSource } from '../../lib/delta/find-copies.js'
import { type FoundParts, findParts } from '../../lib/delta/find-parts.js'
import { type Hits, ImageScan } from '../../lib/delta/image-scan.js'
import type { Source } from '../../lib/delta/sums.js'
import { openKernel } from '../../lib/kernel/kernel.js'
import { FAINT, MOST_MARKS } from '../../lib/kernel/kernel-port.js'
import fc from '../support/properties.js'
import { noise, sourceOf } from './support.js'

const CHUNK = 1 << 20
const { CARRY } = ImageScan
const kernel = openKernel({ dataBytes: CARRY + CHUNK, entries: 1 })

function anchorOf(bytes: Uint8Array): Anchor | null {
  const head = bytes.subarray(0, HEAD_BYTES)
  kernel.data.set(head)
  return anchorIn(kernel, 0, head.length, marksOf(HEAD_BYTES))
}

type Known = { readonly table: AnchorTable; readonly byRow: Map<number, Uint8Array> }
function known(contents: readonly Uint8Array[]): Known {
  const table = AnchorTable.ofRows(contents.length)
  const byRow = new Map<number, Uint8Array>()
  for (const bytes of contents) {
    const anchor = anchorOf(bytes)
    if (anchor !== null) byRow.set(table.add(anchor), bytes)
  }
  return { table, byRow }
}

function hitsIn(image: Uint8Array, table: AnchorTable, own = NO_ROW, step = CHUNK): Hits {
  const scan = new ImageScan(new AnchorTable(table.memory), own, CHUNK)
  for (let at = 0; at < image.length; at += step) {
    const part = image.subarray(at, at + step)
    kernel.data.set(part, CARRY)
    scan.add(kernel, CARRY, part.length)
  }
  return scan.done()
}

/** By so many threads. */
function partsIn(
  image: Source,
  hits: Hits,
  sourceOf: (row: number) => PartSource | null,
  mostParts: number,
  count = 1,
): FoundParts {
  const copies = cutHits(hits, image.length, count).map((some) =>
    findCopies(image, some, image.length / count, sourceOf, mostParts),
  )
  return findParts(image, copies, mostParts)
}

function found(
  image: Uint8Array,
  contents: readonly Uint8Array[],
  threads = 1,
): FoundParts & { read: number; hits: number } {
  const { table, byRow } = known(contents)
  let read = 0
  const counted = (bytes: Uint8Array) => ({
    length: bytes.length,
    read: (offset: number, into: Uint8Array) => {
      read += into.length
      return sourceOf(bytes).read(offset, into)
    },
  })
  const hits = hitsIn(image, table)
  const parts = partsIn(
    counted(image),
    hits,
    (row) => {
      const bytes = byRow.get(row)
      return bytes === undefined
        ? null
        : { key: `${contents.indexOf(bytes)}`, bytes: counted(bytes), anchor: table.offsetOf(row) }
    },
    2 ** 18,
    threads,
  )
  // Whatever is said is true.
  const rebuilt = Uint8Array.from(image)
  let literals = 0
  let end = 0
  for (const part of parts.parts) {
    assert.ok(part.offset >= end, 'in rising order')
    end = part.offset + part.length
    if (part.kind === 'copy') {
      const bytes = byRow.get(part.row) ?? new Uint8Array(0)
      rebuilt.set(bytes.subarray(part.from, part.from + part.length), part.offset)
    } else if (part.kind === 'zeros') rebuilt.fill(0, part.offset, end)
    else {
      rebuilt.set(parts.literals.subarray(literals, literals + part.length), part.offset)
      literals += part.length
    }
  }
  assert.equal(literals, parts.literals.length)
  assert.ok(Buffer.from(rebuilt).equals(image), 'the parts are what the image has there')
  return { ...parts, read, hits: hits.length / 2 }
}
const kinds = ({ parts }: FoundParts): string[] =>
  parts.map((p) => `${p.kind} ${p.offset}+${p.length}`)

t.test('packages in an image, with padding between them', async (t) => {
  const [a, b] = [noise(300_000, 1), noise(5000, 2)]
  const image = Buffer.alloc(2_000_000)
  image.write('CD001', 32_768)
  image.set(a, 65_536)
  image.set(b, 65_536 + 301_056)
  image.set(b, 1_900_032)
  t.same(kinds(found(image, [b, a, noise(9000, 3)])), [
    'zeros 0+32768',
    'literal 32768+512',
    'zeros 33280+32256',
    'copy 65536+300000',
    'literal 365536+1056',
    'copy 366592+5000',
    'zeros 371592+1528440',
    'copy 1900032+5000',
    'zeros 1905032+94968',
  ])
})

t.test('a content that begins with zeros is found with them', async (t) => {
  const disk = Buffer.concat([new Uint8Array(20_480), noise(10_000, 4)])
  const image = Buffer.concat([noise(1024, 5), disk, noise(1024, 6)])
  t.same(kinds(found(image, [disk])), ['literal 0+1024', 'copy 1024+30480', 'literal 31504+1024'])
  t.equal(anchorOf(new Uint8Array(50_000)), null, 'zeros alone have nothing to be known by')
  t.equal(anchorOf(noise(4095, 1)), null, 'nor has what is shorter than a window')
  t.equal(anchorOf(noise(4096, 1))?.offset, 68)
})

t.test('at any offset, whatever is read at once', async (t) => {
  const [a, b, c] = [noise(90_001, 31), noise(5003, 33), noise(2_500_000, 35)]
  const image = Buffer.concat([noise(13, 37), a, noise(7, 39), b, c, noise(1, 41)])
  const all = ['literal 0+13', 'copy 13+90001', 'literal 90014+7', 'copy 90021+5003']
  all.push('copy 95024+2500000', 'literal 2595024+1')
  t.same(kinds(found(image, [c, b, a])), all)
  const { table } = known([c, b, a])
  const hits = hitsIn(image, table)
  t.equal(hits.length, 6)
  for (const step of [100, 1023, 1024, 4099]) t.same(hitsIn(image, table, NO_ROW, step), hits)
})

t.test('the shortest contents, which may have no mark but faint ones', async (t) => {
  const contents = Array.from({ length: 4000 }, (_, i) => noise(4096 + (i % 5), 2 * i + 1001))
  const anchors = contents.map(anchorOf)
  t.equal(anchors.filter((anchor) => anchor === null).length, 0)
  kernel.data.fill(0, 0, HEAD_BYTES)
  const isFaint = (bytes: Uint8Array): boolean => {
    kernel.data.set(bytes)
    const marks = marksIn(kernel, 0, bytes.length, marksOf(HEAD_BYTES), 0)
    return marks.every((word, i) => i % 2 === 1 || word >= FAINT)
  }
  const faint = contents.filter(isFaint)
  t.ok(faint.length > 3 && faint.length < 30, `one of four hundred: ${faint.length}`)
  // Behind zeros, behind marks, one behind the other, and over the ends of what is read at once.
  const image = Buffer.concat([
    new Uint8Array(5000),
    ...faint.flatMap((bytes, i) => [bytes, noise(i * 700, i + 3)]),
    ...faint,
  ])
  const { parts } = found(image, contents)
  t.equal(parts.filter(({ kind }) => kind === 'copy').length, 2 * faint.length)
  const { table } = known(contents)
  const hits = hitsIn(image, table)
  for (const step of [1000, 1024, 5003]) t.same(hitsIn(image, table, NO_ROW, step), hits)
})

t.test('what repeats has its anchor behind the run', async (t) => {
  const stripes = Buffer.alloc(20_000, noise(24, 3))
  const whole = Buffer.concat([stripes, noise(30_000, 51)])
  const image = Buffer.concat([noise(999, 53), stripes.subarray(5), whole, noise(10, 55)])
  t.ok((anchorOf(whole)?.offset ?? 0) > 19_000)
  t.same(kinds(found(image, [whole])), ['literal 0+20994', 'copy 20994+50000', 'literal 70994+10'])
  t.equal(anchorOf(Buffer.alloc(200_000, noise(24, 3))), null)
  t.ok(anchorOf(Buffer.concat([noise(2000, 5), noise(9000, 5)])), 'twice the same is no run')
})

t.test('of contents that begin alike the one that goes on longest', async (t) => {
  const whole = noise(200_000, 7)
  const short = whole.subarray(0, 50_000)
  const other = Buffer.concat([whole.subarray(0, 60_000), noise(90_000, 8)])
  const image = Buffer.concat([whole, noise(512, 9)])
  t.same(kinds(found(image, [short, whole, other])), ['copy 0+200000', 'literal 200000+512'])
  t.same(
    kinds(found(other, [short, whole])),
    ['copy 0+50000', 'copy 50000+10000', 'literal 60000+90000'],
    'and where none is there whole, as far as one is equal',
  )
})

t.test('what goes on behind a part is looked at, what is within it is not', async (t) => {
  const inner = noise(20_480, 10)
  const outer = Buffer.concat([noise(10_240, 11), inner.subarray(0, 10_240)])
  const image = Buffer.concat([outer, inner.subarray(10_240)])
  t.same(kinds(found(image, [outer, inner])), ['copy 0+20480', 'copy 20480+10240'])
})

t.test('whole contents come before a run in common with another version', async (t) => {
  const [a, b, c] = [noise(20_480, 41), noise(30_720, 43), noise(10_240, 45)]
  const own = noise(15_360, 47)
  const before = Buffer.concat([own, a, b, noise(4096, 49)])
  const image = Buffer.concat([own, a, b, c])
  t.same(
    kinds(found(image, [before, a, b])),
    ['copy 0+15360', 'copy 15360+20480', 'copy 35840+30720', 'literal 66560+10240'],
    'packages, and only what is in none of them from the version before',
  )
  t.same(kinds(found(image, [before])), ['copy 0+66560', 'literal 66560+10240'])
})

t.test('the file itself is none of its parts', async (t) => {
  const image = noise(100_000, 12)
  const { table } = known([image])
  t.equal(hitsIn(image, table).length, 2)
  t.equal(hitsIn(image, table, 0).length, 0)
})

t.test(
  'headers in common, zeros and repeated blocks make no more work than they are worth',
  async (t) => {
    const header = noise(4096, 13)
    const alike = Array.from({ length: 3000 }, (_, i) =>
      Buffer.concat([header, noise(4096, i + 100)]),
    )
    const image = Buffer.concat([...Array.from({ length: 500 }, () => header), ...alike.slice(-2)])
    const { parts, read, hits } = found(image, alike)
    t.ok(hits <= 8 * 520, 'eight of a key at most')
    t.ok(read < 3 * (image.length + 32 * 2 ** 20), `read ${read} for ${image.length}`)
    t.equal(parts.filter(({ kind }) => kind === 'copy').length, 502)

    const pattern = Buffer.alloc(4 * 2 ** 20, noise(512, 14))
    const repeated = found(pattern, [pattern.subarray(0, 100_000), new Uint8Array(100_000)])
    t.ok(repeated.hits < 4, 'a run is looked at where it begins')
    const period = Buffer.alloc(4 * 2 ** 20, noise(1024, 15))
    const stripes = found(period, [period.subarray(0, 2 ** 20)])
    t.ok(stripes.read < 4 * period.length, 'stripes go by whole contents')
    const zeros = found(new Uint8Array(8 * 2 ** 20), [
      Buffer.concat([new Uint8Array(9000), header]),
    ])
    t.equal(zeros.hits, 0)
  },
)

t.test('marks made dense on purpose are passed over, and what comes after is found', async (t) => {
  const grams: Uint8Array[] = []
  const one = new Uint32Array(2)
  for (let seed = 1; grams.length < 64; seed += 2) {
    kernel.data.fill(0, 0, 32)
    kernel.data.set(noise(8, seed), 0)
    if (kernel.marks(0, 32, one, 0) === 1 && one[0] === 0) grams.push(noise(8, seed))
  }
  const order = noise(CHUNK / 8, 3)
  const dense = Buffer.concat(Array.from(order, (i) => grams[i % 64] ?? new Uint8Array(8)))
  kernel.data.set(dense, 0)
  t.equal(kernel.marks(0, CHUNK, new Uint32Array(2 * CHUNK), 0), MOST_MARKS)
  const content = noise(200_000, 61)
  const image = Buffer.concat([dense, content, dense])
  const { parts, hits } = found(image, [content, dense.subarray(0, 500_000)])
  t.ok(hits < 10)
  t.ok(parts.some((p) => p.kind === 'copy' && p.offset === CHUNK && p.length === 200_000))
})

t.test('chains end, and rows beyond them are not found', async (t) => {
  const table = AnchorTable.ofRows(100)
  for (let i = 0; i < 100; i++) table.add({ offset: 512 * (i % 100), low: 7, high: 9 })
  const rows: number[] = []
  for (let row = table.find(7, 9); row !== NO_ROW; row = table.after(row)) rows.push(row)
  t.same(rows, [7, 6, 5, 4, 3, 2, 1, 0])
  t.equal(table.offsetOf(6), 3072)
  t.equal(table.find(7, 8), NO_ROW)
  t.equal(table.mayHold(7), true)
  t.throws(() => table.add({ offset: 0, low: 1, high: 1 }), RangeError)
})

t.test('a table for two million contents takes less than 150 MB', async (t) => {
  const { memory } = AnchorTable.ofRows(2_200_000)
  const bytes = Object.values(memory).reduce((sum, { byteLength }) => sum + byteLength, 0)
  t.ok(bytes + 8 * 2_200_000 < 120e6, `${bytes} and the names`)
})

t.test('sources that are gone, shorter, or other than they were', async (t) => {
  const content = noise(50_000, 20)
  const image = Buffer.concat([content, noise(2048, 21)])
  const { table } = known([content])
  const hits = hitsIn(image, table)
  const of = (bytes: Uint8Array | null) =>
    partsIn(
      sourceOf(image),
      hits,
      () =>
        bytes === null ? null : { key: '', bytes: sourceOf(bytes), anchor: table.offsetOf(0) },
      10,
    ).parts.filter(({ kind }) => kind === 'copy')
  t.same(of(null), [])
  t.same(of(noise(50_000, 22)), [])
  t.match(of(content.subarray(0, 8192)), [{ offset: 0, length: 8192 }])
  const changed = Uint8Array.from(content)
  changed[30_000] = (changed[30_000] ?? 0) ^ 1
  t.match(of(changed), [{ offset: 0, length: 30_000 }])
  t.same(
    partsIn(
      sourceOf(image),
      hits,
      () => ({ key: '', bytes: sourceOf(content), anchor: table.offsetOf(0) }),
      0,
    ).parts.filter(({ kind }) => kind === 'copy').length,
    0,
  )
})

t.test(
  'any image of known contents: nothing wrong is said, and what is whole in it is found',
  async () => {
    const stock = [
      noise(5000, 1),
      noise(4096, 2),
      noise(70_000, 3),
      Buffer.concat([new Uint8Array(3000), noise(9000, 4)]),
    ]
    const piece = fc.oneof(
      fc.nat(3).map((i) => stock[i] ?? new Uint8Array(0)),
      fc.nat(4000).map((n) => new Uint8Array(n)),
      fc.tuple(fc.nat(3000), fc.nat(9)).map(([n, seed]) => noise(n, seed + 50)),
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        (pieces, threads) => {
          const padded = pieces.map((p) => Buffer.concat([p], p.length + (p.length % 7)))
          const image = Buffer.concat(padded)
          const { parts } = found(image, stock, threads)
          let at = 0
          for (const [i, p] of padded.entries()) {
            const start = at
            at += p.length
            const whole = pieces[i]
            if (whole === undefined || !stock.includes(whole as Buffer<ArrayBuffer>)) continue
            const covered = parts.some(
              (part) =>
                part.kind !== 'literal' &&
                part.offset <= start + 3000 &&
                part.offset + part.length >= start + whole.length,
            )
            assert.ok(covered, `piece ${i} at ${start}`)
          }
        },
      ),
      { numRuns: 60 },
    )
  },
)

t.test('an image of which threads compare a stretch each', async (t) => {
  const inner = noise(40_000, 31)
  const archive = Buffer.concat([noise(30_000, 32), inner, noise(20_000, 33)])
  const image = Buffer.concat([noise(6000, 34), archive, noise(9000, 35), inner])
  const alone = found(image, [archive, inner])
  const copies = ['copy 6000+90000', 'copy 105000+40000']
  t.same(kinds(alone), ['literal 0+6000', copies[0], 'literal 96000+9000', copies[1]])
  for (const threads of [2, 3, 8])
    t.same(found(image, [archive, inner], threads).parts, alone.parts)
})
