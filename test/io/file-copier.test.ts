import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { ROOT_NAME } from '../../lib/base/byte-name.js'
import { COPY_COLUMNS, type CopyResult } from '../../lib/host.js'
import { FileCopier } from '../../lib/io/file-copier.js'
import { libc } from '../../lib/io/libc.js'
import { rawCalls } from '../../lib/io/libc-raw.js'
import { DiskTree } from '../../lib/io/tree.js'

const raw = rawCalls()
const skip = raw === null ? 'koffi has no binary for this machine' : false

type Wish = { readonly name: string; readonly size?: number; readonly mode?: number }

function stage(t: Test): {
  from: string
  to: string
  copy: (wishes: readonly Wish[], stop?: number, bare?: boolean) => CopyResult
} {
  const folder = t.testdir({ from: {}, to: {} })
  const [from, to] = [`${folder}/from`, `${folder}/to`]
  const trees = [from, to].map((path) => new DiskTree(path))
  t.teardown(() => {
    for (const tree of trees) tree.close()
  })
  const copy = (wishes: readonly Wish[], stop = 0, bare = false): CopyResult => {
    const [source, target] = trees
    if (raw === null || source === undefined || target === undefined) throw new Error('no calls')
    const rows = new Float64Array(wishes.length * COPY_COLUMNS)
    for (const [i, { size = 0, mode = 0o644 }] of wishes.entries())
      rows.set([size, mode, -1, -1, 1_234_567_890, 987_654_321], i * COPY_COLUMNS)
    return new FileCopier(raw).copy({
      groups: [
        {
          from: source.forThreads,
          fromDirectory: ROOT_NAME,
          to: target.forThreads,
          toDirectory: ROOT_NAME,
          files: wishes.length,
        },
      ],
      names: Buffer.from(wishes.map(({ name }) => `${name}\0`).join(''), 'latin1'),
      rows,
      bare,
      stop: Int32Array.of(stop),
    })
  }
  return { from, to, copy }
}

t.test('bytes, modes and times, in the place of what stood there', { skip }, async (t) => {
  const { from, to, copy } = stage(t)
  const sizes = [0, 1, 65_536, 65_537, 300_000]
  for (const size of sizes) writeFileSync(`${from}/${size}`, Buffer.alloc(size, `${size}.`))
  writeFileSync(`${to}/1`, 'before')
  const modes = [0o644, 0o640, 0o4755, 0o400, 0o666]
  const result = copy(sizes.map((size, i) => ({ name: `${size}`, size, mode: modes[i] ?? 0 })))
  t.same(result, { bytes: 431_074, failed: [] })
  t.same(readdirSync(to).sort(), sizes.map(String).sort(), 'nothing else is left')
  for (const [i, size] of sizes.entries()) {
    t.ok(readFileSync(`${to}/${size}`).equals(readFileSync(`${from}/${size}`)), `${size} bytes`)
    const stat = statSync(`${to}/${size}`, { bigint: true })
    t.equal(Number(stat.mode) & 0o7777, modes[i])
    t.equal(stat.mtimeNs, 1_234_567_890_987_654_321n)
  }
})

t.test('a file is copied as long as it is, not as long as it was', { skip }, async (t) => {
  const { from, to, copy } = stage(t)
  writeFileSync(`${from}/grown`, 'more than before')
  writeFileSync(`${from}/shrunk`, 'less')
  t.same(
    copy([
      { name: 'grown', size: 4 },
      { name: 'shrunk', size: 80_000 },
    ]).failed,
    [],
  )
  t.equal(readFileSync(`${to}/grown`, 'utf8'), 'more than before')
  t.equal(readFileSync(`${to}/shrunk`, 'utf8'), 'less')
})

t.test('what fails leaves nothing, and hinders nothing else', { skip }, async (t) => {
  const { from, to, copy } = stage(t)
  writeFileSync(`${from}/a`, 'a')
  symlinkSync('a', `${from}/link`)
  writeFileSync(`${from}/blocked`, 'blocked')
  mkdirSync(`${to}/blocked`)
  writeFileSync(`${to}/blocked/in`, '')
  writeFileSync(`${from}/z`, 'z')
  const names = ['gone', 'a', 'link', 'blocked', 'z']
  t.same(copy(names.map((name) => ({ name, size: 1 }))), { bytes: 2, failed: [0, 2, 3] })
  t.same(readdirSync(to).sort(), ['a', 'blocked', 'z'])
})

t.test('told to stop it copies nothing more', { skip }, async (t) => {
  const { from, to, copy } = stage(t)
  writeFileSync(`${from}/a`, 'a')
  t.same(copy([{ name: 'a', size: 1 }], 1), { bytes: 0, failed: [0] })
  t.same(readdirSync(to), [])
})

t.test('a directory that gives what is made in it a group of its own', { skip }, async (t) => {
  const { from, to, copy } = stage(t)
  chmodSync(to, 0o2755)
  for (const name of ['a', 'b']) writeFileSync(`${from}/${name}`, name)
  t.same(
    copy([
      { name: 'a', size: 1 },
      { name: 'b', size: 1, mode: 0o751 },
    ]).failed,
    [],
  )
  t.equal(statSync(`${to}/b`).mode & 0o7777, 0o751)
})

t.test(
  'what has, or would get, extended attributes is left where they count',
  { skip },
  async (t) => {
    const { from, to, copy } = stage(t)
    for (const name of ['plain', 'marked']) writeFileSync(`${from}/${name}`, name)
    libc().setXattr(Buffer.from(`${from}/marked`), 'user.mark', Buffer.from('x'))
    const both = [
      { name: 'plain', size: 5 },
      { name: 'marked', size: 6 },
    ]
    t.same(copy(both, 0, true).failed, [1])
    t.same(readdirSync(to), ['plain'])
    t.same(copy(both).failed, [])
    t.equal(spawnSync('setfacl', ['-d', '-m', 'u:1234:r', to]).status, 0)
    t.same(copy(both, 0, true).failed, [0, 1])
    t.same(readdirSync(to).sort(), ['marked', 'plain'], 'nothing of them is left')
  },
)
