import { appendFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import { lockTree, whoHasLock } from '../../lib/io/lock.js'
import { DiskTree, PRIVATE_NAME } from '../../lib/io/tree.js'
import { onOwnDisk, readOnly } from '../support/disk.js'

const never = new AbortController().signal
const opened = (path: string): DiskTree => {
  const tree = new DiskTree(path)
  if (tree.stat(PRIVATE_NAME) === null) tree.makeDirectory(PRIVATE_NAME)
  return tree
}

t.test('one has it, the other leaves, and it is free again', async (t) => {
  const path = t.testdir({})
  const [one, other] = [opened(path), opened(path)]
  t.teardown(() => [one, other].map((tree) => tree.close()))
  const lock = await lockTree(one, false, never)
  t.ok(lock)
  t.match(whoHasLock(other), new RegExp(`^${process.pid} `))
  t.equal(await lockTree(other, false, never), null)
  lock?.release()
  lock?.release()
  const next = await lockTree(other, false, never)
  t.ok(next)
  next?.release()
})

t.test('a file left by who died locks nothing', async (t) => {
  const path = t.testdir({ '.~prsync~': {} })
  writeFileSync(`${path}/.~prsync~/lock`, '1 on elsewhere\n')
  const tree = opened(path)
  t.teardown(() => tree.close())
  const lock = await lockTree(tree, false, never)
  t.ok(lock)
  t.notMatch(whoHasLock(tree), /elsewhere/)
  lock?.release()
})

t.test('who waits can be told to stop', async (t) => {
  const path = t.testdir({})
  const [one, other] = [opened(path), opened(path)]
  t.teardown(() => [one, other].map((tree) => tree.close()))
  const lock = await lockTree(one, false, never)
  const scope = new AbortController()
  const waiting = lockTree(other, true, scope.signal)
  scope.abort()
  await t.rejects(waiting, { name: 'AbortError' })
  lock?.release()
  t.equal(tree(one), 1, 'no lock file but one')
})

function tree(of: DiskTree): number {
  return (of.list(byteName('.~prsync~')) ?? []).length
}

const needsRoot = { skip: process.geteuid?.() === 0 ? false : 'needs root' }

t.test('a full disk has room for the lock, if not for who has it', needsRoot, (t) =>
  onOwnDisk(t, 'size=64k', async (disk) => {
    const tree = opened(disk)
    t.throws(() => appendFileSync(`${disk}/ballast`, Buffer.alloc(100_000)), { code: 'ENOSPC' })
    const lock = await lockTree(tree, false, never)
    t.ok(lock)
    t.equal(whoHasLock(tree), '')
    lock?.release()
    tree.close()
  }),
)

t.test('a tree that cannot be written is told by its path', needsRoot, (t) =>
  onOwnDisk(t, 'size=64k', async (disk) => {
    opened(disk).close()
    const { over } = readOnly(disk)
    const tree = opened(disk)
    await t.rejects(lockTree(tree, false, never), { message: `cannot write to ${disk}: EROFS` })
    tree.close()
    over()
  }),
)
