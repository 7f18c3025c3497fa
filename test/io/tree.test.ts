import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { byteName, ROOT_NAME } from '../../lib/base/byte-name.js'
import { FileError } from '../../lib/base/errors.js'
import { applyAttributes } from '../../lib/io/entry-attributes.js'
import { libc } from '../../lib/io/libc.js'
import { createPrivate, writePrivate } from '../../lib/io/private-corner.js'
import { DiskTree, PRIVATE_NAME } from '../../lib/io/tree.js'
import { fileEntry } from '../support/entries.js'

const name = byteName
/** Without koffi some attributes are lost: decisions/0019. */
const { lacks, timeStepNs } = libc()
const needsMknod = { skip: lacks.length === 0 ? false : 'Node alone makes no FIFOs' }
const cut = (ns: bigint): bigint => (ns / timeStepNs) * timeStepNs
const ATTRIBUTES = { owners: null, xattrs: false }

/** A tree `in` beside a folder `out` that nothing may touch. */
function stage(t: Test): {
  tree: DiskTree
  inside: string
  outside: string
} {
  const folder = t.testdir({ in: { d: { f: 'inside' } }, out: { f: 'outside' } })
  const tree = new DiskTree(`${folder}/in`)
  tree.makeDirectory(PRIVATE_NAME, 0o700)
  t.teardown(() => tree.close())
  return { tree, inside: `${folder}/in`, outside: `${folder}/out` }
}

t.test('what stands in a directory, in byte order, without our corner', async (t) => {
  const { tree, inside } = stage(t)
  for (const odd of ['\xff', '\xc3\xa4', 'Z', 'a', '\n'])
    writeFileSync(Buffer.from(`${inside}/${odd}`, 'latin1'), '')
  symlinkSync('nowhere', `${inside}/link`)
  t.same(
    tree.list(ROOT_NAME)?.map((standing) => standing.base),
    ['\n', 'Z', 'a', 'd', 'link', '\xc3\xa4', '\xff'],
  )
  t.equal(tree.list(name('nothing')), null)
  t.equal(tree.list(name('a')), null, 'a file is no directory')
  t.match(tree.stat(name('link')), { kind: 'symlink' })
  t.match(tree.stat(name('d/f')), { kind: 'file', size: 6 })
  t.match(tree.stat(ROOT_NAME), { kind: 'directory' })
  t.equal(tree.stat(name('a/x')), null)
})

t.test('no name leads through a link, wherever it points', async (t) => {
  const { tree, inside, outside } = stage(t)
  const links = { away: outside, up: '../out', here: 'd' }
  for (const [link, target] of Object.entries(links)) symlinkSync(target, `${inside}/${link}`)
  for (const link of Object.keys(links)) {
    t.equal(tree.list(name(link)), null, `list ${link}`)
    t.equal(tree.stat(name(`${link}/f`)), null, `stat below ${link}`)
    t.throws(() => tree.openFile(name(`${link}/f`)), FileError)
    t.throws(() => tree.makeDirectory(name(`${link}/new`)), FileError)
    t.throws(() => tree.remove(name(`${link}/f`)), FileError)
    t.throws(() => tree.symlink('x', name(`${link}/new`)), FileError)
    t.throws(() => tree.link(name('d/f'), name(`${link}/new`)), FileError)
    t.throws(() => tree.rename(name('d/f'), name(`${link}/f`)), FileError)
    t.throws(() => applyAttributes(tree, name(`${link}/f`), fileEntry('f'), ATTRIBUTES), FileError)
  }
  t.same(readdirSync(outside), ['f'])
  t.equal(readFileSync(`${outside}/f`, 'utf8'), 'outside')
})

t.test('names that climb are refused by the kernel, should one ever get so far', async (t) => {
  const { tree } = stage(t)
  for (const path of ['..', '../out', 'd/../../out', '/etc']) {
    t.throws(() => tree.list(name(path)), `list ${path}`)
    t.throws(() => tree.stat(name(`${path}/f`)), `stat ${path}/f`)
    t.throws(() => tree.makeDirectory(name(`${path}/new`)), `make ${path}/new`)
  }
})

t.test('a link put in the place of a directory between two looks', async (t) => {
  const { tree, inside, outside } = stage(t)
  t.ok(tree.stat(name('d/f')), 'd is held open from here on')
  renameSync(`${inside}/d`, `${inside}/moved`)
  symlinkSync(outside, `${inside}/d`)
  // What is held is the directory that was checked, under whatever name it is now.
  writePrivate(tree, 'made', Buffer.from('new'))
  tree.rename(name(`${PRIVATE_NAME}/made`), name('d/f'))
  t.equal(readFileSync(`${outside}/f`, 'utf8'), 'outside')
  t.equal(readFileSync(`${inside}/moved/f`, 'utf8'), 'new')
})

t.test('a link as the last component is never followed', async (t) => {
  const { tree, inside, outside } = stage(t)
  symlinkSync(`${outside}/f`, `${inside}/link`)
  t.throws(() => tree.openFile(name('link')))
  applyAttributes(
    tree,
    name('link'),
    { ...fileEntry('link'), kind: 'symlink', target: 'x', mtimeNs: 1_000_001_000n },
    ATTRIBUTES,
  )
  t.equal(lstatSync(`${inside}/link`, { bigint: true }).mtimeNs, 1_000_001_000n)
  t.not(lstatSync(`${outside}/f`, { bigint: true }).mtimeNs, 1_000_001_000n)
  tree.remove(name('link'))
  t.equal(readFileSync(`${outside}/f`, 'utf8'), 'outside')
})

t.test('a link in the place of our corner', async (t) => {
  const { tree, inside, outside } = stage(t)
  rmSync(`${inside}/.~prsync~`, { recursive: true })
  symlinkSync(outside, `${inside}/.~prsync~`)
  t.throws(() => createPrivate(tree, 'lock'), FileError)
  t.same(readdirSync(outside), ['f'])
})

t.test('a rename takes the place of files and links, not of directories', async (t) => {
  const { tree, inside } = stage(t)
  mkdirSync(`${inside}/full/x`, { recursive: true })
  symlinkSync('d/f', `${inside}/link`)
  const put = (to: string): void => {
    writePrivate(tree, 'made', Buffer.from('new'))
    tree.rename(name(`${PRIVATE_NAME}/made`), name(to))
  }
  put('d/f')
  put('link')
  t.equal(readFileSync(`${inside}/d/f`, 'utf8'), 'new')
  t.ok(lstatSync(`${inside}/link`).isFile())
  t.throws(() => put('full'), { code: 'EISDIR' })
  t.ok(lstatSync(`${inside}/full/x`).isDirectory())
})

t.test('mode and time to the nanosecond, before and after the epoch', async (t) => {
  const { tree, inside } = stage(t)
  for (const mtimeNs of [0n, 1n, 987_654_321_987_654_321n, -1n, -1_500_000_000n]) {
    applyAttributes(tree, name('d/f'), { ...fileEntry('f'), mode: 0o4751, mtimeNs }, ATTRIBUTES)
    t.equal(lstatSync(`${inside}/d/f`, { bigint: true }).mtimeNs, cut(mtimeNs), `${mtimeNs}`)
    t.match(tree.stat(name('d/f')), { mtimeNs: cut(mtimeNs), mode: 0o4751 }, 'and is read back so')
  }
})

t.test('links and directories are made as asked', async (t) => {
  const { tree, inside } = stage(t)
  tree.makeDirectories(name('a/b/c'))
  t.ok(lstatSync(`${inside}/a/b/c`).isDirectory())
  tree.symlink('\xff/target', name('a/link'))
  t.equal(readlinkSync(Buffer.from(`${inside}/a/link`), 'latin1'), '\xff/target')
  t.equal(tree.readlink(name('a/link')), '\xff/target')
  tree.link(name('d/f'), name('a/hard'))
  t.equal(tree.stat(name('a/hard'))?.ino, tree.stat(name('d/f'))?.ino)
  t.throws(() => tree.removeDirectory(name('a')), { code: 'ENOTEMPTY' })
})

t.test('a FIFO is made, and not waited for', needsMknod, async (t) => {
  const { tree, inside } = stage(t)
  tree.makeNode({ ...fileEntry('fifo'), kind: 'fifo' }, name('fifo'))
  t.ok(lstatSync(`${inside}/fifo`).isFIFO())
  tree.closeFile(tree.openFile(name('fifo')))
})

t.test('more directories than are held open', async (t) => {
  const { tree } = stage(t)
  for (let i = 0; i < 1500; i++) tree.makeDirectories(name(`many/${i}/x`))
  const lost = [...Array(1500).keys()].filter((i) => tree.stat(name(`many/${i}/x`)) === null)
  t.same(lost, [])
})

t.test('calls that take two directories, with more than are held open', async (t) => {
  const { tree, inside } = stage(t)
  const numbers = [...Array(700).keys()]
  for (const i of numbers) {
    mkdirSync(`${inside}/from/${i}`, { recursive: true })
    mkdirSync(`${inside}/to/${i}`, { recursive: true })
    writeFileSync(`${inside}/from/${i}/f`, `${i}`)
  }
  // One is held already: there is no room for the second of two.
  tree.stat(name('d/f'))
  for (const i of numbers) tree.link(name(`from/${i}/f`), name(`to/${i}/linked`))
  for (const i of numbers) tree.rename(name(`from/${i}/f`), name(`to/${i}/f`))
  const wrong = numbers.filter((i) =>
    ['f', 'linked'].some((base) => readFileSync(`${inside}/to/${i}/${base}`, 'utf8') !== `${i}`),
  )
  t.same(wrong, [])
})

t.test('a tree that is not there', async (t) => {
  const folder = t.testdir({ file: '' })
  t.throws(() => new DiskTree(`${folder}/nothing`), FileError)
  t.throws(() => new DiskTree(`${folder}/file`), FileError)
  t.throws(() => DiskTree.openOrMake(`${folder}/a/b`), FileError)
  DiskTree.openOrMake(`${folder}/a`).close()
  t.ok(lstatSync(`${folder}/a`).isDirectory())
})
