import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { ROOT_NAME } from '../../lib/base/byte-name.js'
import { parseFilters } from '../../lib/flist/filter.js'
import type { LookResult, SameRule } from '../../lib/host.js'
import { openLook } from '../../lib/io/look-pool.js'
import { DiskTree } from '../../lib/io/tree.js'

const LOOSE: SameRule = {
  owner: true,
  group: true,
  directoryTimes: true,
  linkTimes: true,
  noLinks: false,
  leastSize: 0,
  mostSize: Number.POSITIVE_INFINITY,
  device: null,
  leftover: null,
  exact: false,
  single: false,
  contents: false,
  bare: false,
  names: null,
}
const sourceOf = { read: () => '', cvsIgnore: [] }
const rulesOf = (...texts: string[]): SameRule['names'] => ({
  rules: parseFilters(
    texts.map((text) => ({ kind: 'filter', text })),
    sourceOf,
  ),
  deleteExcluded: false,
})
const look = openLook()
const skip = look === null ? 'koffi has no binary for this machine' : false

/** Two directories that are alike, and what a look says of them after a change of one. */
function stage(t: Test): { a: string; b: string; look: (rule?: SameRule) => LookResult } {
  const folder = t.testdir({ a: { f: 'one', g: 'two', d: { h: 'three' } } })
  const [a, b] = [`${folder}/a`, `${folder}/b`]
  symlinkSync('nowhere', `${a}/d/link`)
  writeFileSync(Buffer.from(`${a}/\xff\n`, 'latin1'), 'odd')
  t.equal(spawnSync('cp', ['-a', a, b]).status, 0)
  const trees = [a, b].map((path) => new DiskTree(path))
  t.teardown(() => {
    for (const tree of trees) tree.close()
  })
  const [from, to] = trees
  return {
    a,
    b,
    look: (rule = LOOSE) => {
      if (look === null || from === undefined || to === undefined) throw new Error('no look')
      const [fromHead, toHead] = [ROOT_NAME, ROOT_NAME]
      const job = { from: from.forThreads, to: to.forThreads, fromHead, toHead, rule, most: 1000 }
      return look({ ...job, below: [''] })
    },
  }
}
/** As at the other end, but for what a test is about. */
function sameTime(a: string, b: string): void {
  const { atime, mtime } = lstatSync(a)
  lutimesSync(a, atime, mtime)
  lutimesSync(b, atime, mtime)
}

t.test('all alike', { skip }, async (t) => {
  const { same, rows, different, rest } = stage(t).look({ ...LOOSE, exact: true })
  t.same(different, [])
  t.same(rest, [])
  t.same([...same].sort(), ['', 'd'])
  const of = (name: string): number[] => [...rows.subarray(same.indexOf(name) * 4).subarray(0, 4)]
  t.same(of(''), [3, 0, 1, 9], 'files, links, directories, bytes')
  t.same(of('d'), [1, 1, 0, 12])
})

t.test('what differs is found, and only there', { skip }, async (t) => {
  const changes: Readonly<Record<string, (b: string) => void>> = {
    size: (b) => writeFileSync(`${b}/d/h`, 'longer'),
    time: (b) => utimesSync(`${b}/d/h`, 5, 5),
    mode: (b) => chmodSync(`${b}/d/h`, 0o600),
    missing: (b) => unlinkSync(`${b}/d/h`),
    kind: (b) => {
      unlinkSync(`${b}/d/h`)
      mkdirSync(`${b}/d/h`)
    },
    'mode of the directory': (b) => chmodSync(`${b}/d`, 0o700),
  }
  for (const [what, change] of Object.entries(changes))
    await t.test(what, async (t) => {
      const { a, b, look } = stage(t)
      change(b)
      sameTime(`${a}/d`, `${b}/d`)
      if (what === 'size' || what === 'mode') sameTime(`${a}/d/h`, `${b}/d/h`)
      t.match(look(), { same: [''], different: ['d'] })
    })
})

t.test('of a directory that differs, what is in order all the same', { skip }, async (t) => {
  const { a, b, look } = stage(t)
  writeFileSync(`${b}/f`, 'longer')
  sameTime(`${a}/f`, `${b}/f`)
  const { different, alike, alikeRows } = look()
  t.same(different, [''])
  t.same((alike[0] ?? '').split('\0').sort(), ['', 'g', '\xff\n'].sort())
  t.same(
    [...alikeRows],
    [2, 0, 0, 6],
    'files, links, directories, which count for themselves, bytes',
  )
  writeFileSync(`${b}/more`, '')
  t.match(look({ ...LOOSE, exact: true }).alike[0]?.length, 5, 'beside what should not be there')
  t.same(look({ ...LOOSE, leftover: 'more' }).alike, [''], 'not beside what an earlier try left')
  t.same(look({ ...LOOSE, device: 0n }).alike, ['', ''], 'nor on another device')
})

t.test('a directory that is not there, or a link in its place', { skip }, async (t) => {
  const { a, b, look } = stage(t)
  rmSync(`${b}/d`, { recursive: true })
  symlinkSync('../a/d', `${b}/d`)
  sameTime(a, b)
  t.match(look(), { same: [''], different: ['d'] })
})

t.test(
  'more than there should be counts only where nothing else may stand',
  { skip },
  async (t) => {
    const { a, b, look } = stage(t)
    writeFileSync(`${b}/d/more`, '')
    sameTime(`${a}/d`, `${b}/d`)
    t.same(look().different, [])
    t.same(look({ ...LOOSE, exact: true }).different, ['d'])
  },
)

t.test('a file of several names counts where links are kept', { skip }, async (t) => {
  const { a, b, look } = stage(t)
  linkSync(`${a}/d/h`, `${a}/../h`)
  sameTime(`${a}/d`, `${b}/d`)
  t.same(look().different, [])
  t.same(look({ ...LOOSE, single: true }).different, ['d'])
  linkSync(`${b}/g`, `${b}/../g`)
  t.same(
    look({ ...LOOSE, single: true }).same,
    [''],
    'a further name of what stands there does not',
  )
})

t.test('contents, where they count', { skip }, async (t) => {
  const { a, b, look } = stage(t)
  const contents = { ...LOOSE, contents: true }
  t.same(look(contents).different, [])
  writeFileSync(`${b}/d/h`, 'Three')
  sameTime(`${a}/d/h`, `${b}/d/h`)
  t.same(look().different, [])
  t.same(look(contents).different, ['d'])
  for (const [length, different] of [
    [200_000, ['d']],
    [2_000_000, ['', 'd']],
  ] as const) {
    for (const end of [a, b]) writeFileSync(`${end}/f`, 'x'.repeat(length))
    sameTime(`${a}/f`, `${b}/f`)
    t.same([...look(contents).different].sort(), different, `${length} bytes are read, or left`)
  }
  writeFileSync(`${b}/f`, `${'x'.repeat(1999)}y`)
  writeFileSync(`${a}/f`, 'x'.repeat(2000))
  sameTime(`${a}/f`, `${b}/f`)
  t.same([...look(contents).different].sort(), ['', 'd'])
})

t.test('extended attributes of either', { skip }, async (t) => {
  for (const end of ['a', 'b'] as const) {
    const stand = stage(t)
    t.same(stand.look({ ...LOOSE, bare: true }).different, [])
    const set = spawnSync('setfattr', ['-n', 'user.x', '-v', '1', `${stand[end]}/d/h`])
    if (set.status !== 0) return t.comment('this file system has no extended attributes')
    t.same(stand.look().different, [])
    t.same(stand.look({ ...LOOSE, bare: true }).different, ['d'])
    t.equal(spawnSync('setfattr', ['-n', 'user.x', '-v', '1', stand[end]]).status, 0)
    t.same([...stand.look({ ...LOOSE, bare: true }).different].sort(), ['', 'd'], 'of a directory')
  }
})

t.test('names that rules leave out', { skip }, async (t) => {
  const { a, b, look } = stage(t)
  writeFileSync(`${a}/d/new.o`, 'not at the other end')
  mkdirSync(`${a}/skipped`)
  sameTime(a, b)
  sameTime(`${a}/d`, `${b}/d`)
  const names = rulesOf('- *.o', '- /skipped/')
  t.same(look({ ...LOOSE, names }).different, [])
  const { same, rows } = look({ ...LOOSE, names, exact: true })
  t.same([...same].sort(), ['', 'd'])
  const at = same.indexOf('d') * 4
  t.same([...rows.subarray(at, at + 4)], [1, 1, 0, 12], 'they are not counted')
  t.same(look({ ...LOOSE, names: rulesOf('- *.o') }).different, ['skipped'])

  writeFileSync(`${b}/d/kept.o`, '')
  sameTime(`${a}/d`, `${b}/d`)
  t.same(look({ ...LOOSE, names, exact: true }).different, [], 'protected')
  const sides = rulesOf('H *.o', '- /skipped/')
  t.same(look({ ...LOOSE, names: sides, exact: true }).different, ['d'], 'hidden alone')
  t.same(look({ ...LOOSE, names: sides }).different, [])
  const all = names === null ? null : { ...names, deleteExcluded: true }
  t.same(look({ ...LOOSE, names: all, exact: true }).different, ['d'])
})

t.test('times of directories and links, where they count', { skip }, async (t) => {
  const { b, look } = stage(t)
  lutimesSync(`${b}/d/link`, 5, 5)
  t.same(look().different, ['d'])
  t.same(look({ ...LOOSE, linkTimes: false }).different, [])
  lutimesSync(b, 6, 6)
  t.same(look({ ...LOOSE, linkTimes: false }).different, [''])
  t.same(look({ ...LOOSE, linkTimes: false, directoryTimes: false }).different, [])
})

t.test('links, sizes and other devices that are to be looked at', { skip }, async (t) => {
  const { a, look } = stage(t)
  t.same(look({ ...LOOSE, noLinks: true }).different, ['d'])
  t.same(look({ ...LOOSE, mostSize: 4 }).different, ['d'])
  t.same(look({ ...LOOSE, leastSize: 4 }).different, [''])
  t.same(look({ ...LOOSE, leastSize: 3, mostSize: 5 }).different, [])
  const { dev } = lstatSync(a, { bigint: true })
  // As statx(2) tells it, not packed as st_dev is: makedev(3).
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)
  const device = (major << 32n) | ((dev & 0xffn) | ((dev >> 12n) & ~0xffn & 0xffffffffn))
  t.same(look({ ...LOOSE, device }).different, [])
  t.same([...look({ ...LOOSE, device: device + 1n }).different].sort(), ['', 'd'])
})

t.test('what an earlier try left in the second', { skip }, async (t) => {
  const { b, look } = stage(t)
  mkdirSync(`${b}/d/.part`)
  sameTime(`${b}/../a/d`, `${b}/d`)
  t.same(look().different, [])
  t.same(look({ ...LOOSE, leftover: '.part' }).different, ['d'])
})

t.test('targets of links', { skip }, async (t) => {
  const { a, b, look } = stage(t)
  unlinkSync(`${b}/d/link`)
  symlinkSync('Nowhere', `${b}/d/link`)
  sameTime(`${a}/d/link`, `${b}/d/link`)
  sameTime(`${a}/d`, `${b}/d`)
  t.same(look().different, ['d'])
})

t.test('it stops when it has seen enough, and says what is left', { skip }, async (t) => {
  const folder = t.testdir({ a: { d: {}, e: {} } })
  const tree = new DiskTree(`${folder}/a`)
  t.teardown(() => tree.close())
  const handle = tree.forThreads
  const result = look?.({
    from: handle,
    to: handle,
    fromHead: ROOT_NAME,
    toHead: ROOT_NAME,
    below: [''],
    rule: LOOSE,
    most: 1,
  })
  t.same(result?.same, [''])
  t.same([...(result?.rest ?? [])].sort(), ['d', 'e'])
})
