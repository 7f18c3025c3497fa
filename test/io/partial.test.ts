import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import { FileError } from '../../lib/base/errors.js'
import { type ContentId, rootHex, rootOf } from '../../lib/hash/root.js'
import { PartialFile, Partials, removeStale } from '../../lib/io/partial.js'
import { DiskTree, PRIVATE_NAME } from '../../lib/io/tree.js'

const CONTENT: ContentId = { root: rootOf(new Uint8Array(32).fill(0xab)), length: 300_000 }
const HEX = rootHex(CONTENT.root)

type Stage = { tree: DiskTree; folder: string; open(content?: ContentId): PartialFile }

function stage(t: Test): Stage {
  const path = t.testdir({})
  const tree = new DiskTree(path)
  tree.makeDirectories(byteName(`${PRIVATE_NAME}/partial`))
  const partials = new Partials()
  t.teardown(() => {
    partials.closeAll()
    tree.close()
  })
  return {
    tree,
    folder: `${path}/${PRIVATE_NAME}/partial`,
    open: (content = CONTENT) => new PartialFile(tree, partials, content),
  }
}
const marked = (partial: PartialFile): number[] =>
  [...Array(partial.units).keys()].filter((unit) => partial.isMarked(unit))

t.test('marks and bytes are there when it is opened again', async (t) => {
  const { open } = stage(t)
  const first = open()
  t.equal(first.units, 5)
  t.same(marked(first), [])
  first.write(65536, new Uint8Array(65536).fill(7))
  first.mark(1)
  first.write(262144, new Uint8Array(37856).fill(9))
  first.mark(4)
  // Not closed: as after a kill.
  const again = open()
  t.same(marked(again), [1, 4])
  t.same(again.read(65536, 3), Uint8Array.of(7, 7, 7))
  t.throws(() => again.finish(), FileError)
  for (const unit of [0, 2, 3]) again.mark(unit)
  again.finish()
})

t.test('closed between two writes, it goes on', async (t) => {
  const partial = stage(t).open()
  partial.mark(0)
  partial.close()
  partial.close()
  partial.mark(2)
  t.same(marked(partial), [0, 2])
})

t.test('marks of another boot are not believed', async (t) => {
  const { open, folder } = stage(t)
  const first = open()
  first.write(0, new Uint8Array(65536))
  first.mark(0)
  first.close()
  const journal = readFileSync(`${folder}/${HEX}.units`)
  journal.write('00000000-0000-0000-0000-000000000000', 0)
  writeFileSync(`${folder}/${HEX}.units`, journal)
  t.same(marked(open()), [])
  t.same(marked(open()), [], 'nor the next time')
})

t.test('a journal cut short, or empty, marks nothing', async (t) => {
  const { open, folder } = stage(t)
  const first = open()
  first.write(0, new Uint8Array(1))
  first.mark(0)
  first.close()
  for (const length of [0, 1, 35, 36]) {
    const whole = readFileSync(`${folder}/${HEX}.units`)
    writeFileSync(`${folder}/${HEX}.units`, whole.subarray(0, length))
    t.same(marked(open()), [], `${length} bytes left`)
  }
})

t.test('marks without their bytes are not believed', async (t) => {
  const { open, folder } = stage(t)
  const first = open()
  for (let unit = 0; unit < first.units; unit++) first.mark(unit)
  first.close()
  // As a run leaves it that is killed when the bytes have their name and the marks still stand.
  rmSync(`${folder}/${HEX}`)
  const again = open()
  t.same(marked(again), [])
  t.throws(() => again.finish(), FileError)
})

t.test('what no snapshot wants any more is removed, both files', async (t) => {
  const { tree, open, folder } = stage(t)
  const other: ContentId = { root: rootOf(new Uint8Array(32).fill(1)), length: 70_000 }
  for (const content of [CONTENT, other]) {
    const partial = open(content)
    partial.mark(0)
    partial.close()
  }
  removeStale(tree)
  t.same(readdirSync(folder), [])
})

t.test("forgotten: the marks go, the bytes are another's", async (t) => {
  const { open, folder } = stage(t)
  const partial = open()
  partial.mark(0)
  partial.forget()
  t.notOk(existsSync(`${folder}/${HEX}.units`))
  t.ok(existsSync(`${folder}/${HEX}`))
})

t.test('more on their way than files may be open', async (t) => {
  const { open } = stage(t)
  const many = Array.from({ length: 300 }, (_, i) => {
    const root = rootOf(new Uint8Array(32).fill(i & 0xff).fill(i >> 8, 0, 1))
    return open({ root, length: 70_000 })
  })
  for (const partial of many) partial.mark(1)
  t.ok(readdirSync('/proc/self/fd').length < 300)
  t.same(
    many.filter((partial) => !partial.isMarked(1) || partial.isMarked(0)),
    [],
  )
})
