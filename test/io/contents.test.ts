import {
  closeSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { byteName, ROOT_NAME } from '../../lib/base/byte-name.js'
import { FileError } from '../../lib/base/errors.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import type { Root } from '../../lib/hash/root.js'
import { TreeContents } from '../../lib/io/contents.js'
import { knownOf } from '../../lib/io/directory-record.js'
import { Store } from '../../lib/io/store.js'
import { DiskTree } from '../../lib/io/tree.js'

/** A tree with one file that was hashed. */
async function withFile(
  t: Test,
  length: number,
  use: (contents: TreeContents, path: string, root: Root) => Promise<void>,
): Promise<void> {
  const folder = t.testdir({ tree: {} })
  const path = `${folder}/tree/file`
  const bytes = Buffer.alloc(length, 'x')
  writeFileSync(path, bytes)
  const tree = DiskTree.openOrMake(`${folder}/tree`)
  const store = new Store(`${folder}/index`)
  const stands = tree.stat(byteName('file'))
  if (stands === null) throw new Error('no file')
  const root = contentRoot(bytes)
  store.putDirectory(ROOT_NAME, {
    page: null,
    built: false,
    files: 1,
    bytes: stands.size,
    settled: null,
    known: [knownOf(stands, root, true)],
  })
  const contents = new TreeContents(tree, store)
  try {
    await use(contents, path, root)
  } finally {
    contents.close()
    await store.close()
    tree.close()
  }
}

for (const length of [1000, 300_000]) {
  t.test(`${length} bytes that are changed in place are not given, even from an open file`, (t) =>
    withFile(t, length, async (contents, path, root) => {
      const holding = contents.find(root)
      t.strictSame(await holding?.read(10, 5), new Uint8Array(5).fill(0x78))
      const fd = openSync(path, 'r+')
      writeSync(fd, 'y', 12)
      closeSync(fd)
      await t.rejects(async () => {
        await holding?.read(10, 5)
      }, FileError)
      t.equal(contents.find(root), null, 'nor found any more')
      const held = readdirSync('/proc/self/fd').filter((one) => isOf(one, path))
      t.strictSame(held, [], 'nor kept open')
    }),
  )
  t.test(`${length} bytes whose name is another file's are given while they are open`, (t) =>
    withFile(t, length, async (contents, path, root) => {
      const holding = contents.find(root)
      writeFileSync(`${path}.new`, 'another')
      renameSync(`${path}.new`, path)
      t.strictSame(await holding?.read(0, 3), new Uint8Array(3).fill(0x78))
    }),
  )
}

t.test('what is in memory is given at once, or not at all', (t) =>
  withFile(t, 300_000, async (contents, path, root) => {
    const holding = contents.find(root)
    // written a moment ago: only a file system without such reads has nothing to give
    const now = holding?.readNow?.(299_000, 1000) ?? null
    if (now === null) t.comment('this file system reads nothing without waiting')
    else t.strictSame(now, new Uint8Array(1000).fill(0x78))
    t.equal(holding?.readNow?.(299_000, 1001) ?? null, null, 'nothing past the end')
    t.equal(holding?.readNow?.(0, 70_000) ?? null, null, 'nor more than one request')
    const fd = openSync(path, 'r+')
    writeSync(fd, 'y', 12)
    closeSync(fd)
    t.equal(holding?.readNow?.(10, 5) ?? null, null, 'nor of a file that was changed')
  }),
)

t.test('what changed at one place is given from another', async (t) => {
  const folder = t.testdir({ tree: { a: 'same', b: 'same' } })
  const tree = new DiskTree(`${folder}/tree`)
  const store = new Store(`${folder}/index`)
  const root = contentRoot(Buffer.from('same'))
  const known = (tree.list(ROOT_NAME) ?? []).map((s) => knownOf(s, root, true))
  store.putDirectory(ROOT_NAME, {
    page: null,
    built: false,
    files: 2,
    bytes: 8,
    settled: null,
    known,
  })
  const contents = new TreeContents(tree, store)
  const holding = contents.find(root)
  t.equal(Buffer.from((await holding?.read(0, 4)) ?? []).toString(), 'same')
  // Both, one after the other: whichever was open, the other takes its place, then none is left.
  writeFileSync(`${folder}/tree/a`, 'else')
  t.equal(Buffer.from((await holding?.read(0, 4)) ?? []).toString(), 'same')
  writeFileSync(`${folder}/tree/b`, 'more')
  await t.rejects(async () => {
    await holding?.read(0, 4)
  }, FileError)
  contents.close()
  await store.close()
  tree.close()
})

function isOf(fd: string, path: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === path
  } catch {
    return false // closed meanwhile
  }
}
