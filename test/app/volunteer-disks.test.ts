/** A volunteer whose disk is full, cannot be written, or fails: it gives what it has. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import t from 'tap'
import { onFailingDisk, onOwnDisk, readOnly } from '../support/disk.js'
import { freePort } from '../support/ports.js'
import { startService } from '../support/service.js'
import { BIG, bytesAt, clockOf, other, startDay, startJoined } from '../support/volunteer-day.js'

const needsRoot = { skip: process.geteuid?.() === 0 ? false : 'needs root' }

t.test(
  'its disk is full: it gives what it has, and goes on when there is room',
  needsRoot,
  async (t) => {
    const { folder, centre, source, ask, until, invite } = await startDay(t)
    await onOwnDisk(t, 'size=4m', async (disk) => {
      await t.test('on its own disk', async (t) => {
        const clock = clockOf(500)
        const state = joinPath(folder, 'own')
        const own = { token: await invite('v'), state, tree: joinPath(disk, 'tree'), clock }
        const { failed } = startJoined(t, centre.url, own)
        t.ok(BIG.equals(await bytesAt(await until('big.iso', 302))))
        const huge = other(6_000_000)
        writeFileSync(joinPath(source, 'huge.iso'), huge)
        await centre.rescan()
        const statuses = new Set<number>()
        while (failed.length === 0) statuses.add((await ask('huge.iso')).status)
        t.same([...statuses], [200])
        t.match(failed[0], /no space/)
        t.equal((await ask('huge.iso')).status, 200, 'not sent there for it')
        t.ok(BIG.equals(await bytesAt(await until('big.iso', 302))), 'and still for the rest')
        execFileSync('mount', ['-o', 'remount,size=20m', disk])
        t.ok(huge.equals(await bytesAt(await until('huge.iso', 302))))
      })
    })
  },
)

t.test('a disk that cannot be written: it says so and ends', needsRoot, async (t) => {
  const { folder, centre, invite } = await startDay(t)
  const token = await invite('v')
  await onOwnDisk(t, 'ro', async (disk) => {
    const own = ['--state', joinPath(folder, 'own'), '--listen', '127.0.0.2:0']
    const args = ['--join', centre.url, '--token', token, ...own, '--peer-listen', '127.0.0.2:0']
    const { child, said } = startService(t, ...args, disk)
    await said(/cannot .*prsync-disk-/)
    if (child.exitCode === null) await once(child, 'close')
    t.equal(child.exitCode, 11)
  })
})

t.test(
  'it cannot be written for a while: it gives what it has, says so, and goes on after that',
  needsRoot,
  async (t) => {
    const { folder, centre, source, ask, until, invite } = await startDay(t)
    await onOwnDisk(t, 'size=20m', async (disk) => {
      await t.test('on its own disk', async (t) => {
        const [state, tree] = [joinPath(folder, 'own'), joinPath(disk, 'tree')]
        const own = { token: await invite('v'), state, tree, clock: clockOf(500) }
        const { failed } = startJoined(t, centre.url, own)
        t.ok(BIG.equals(await bytesAt(await until('big.iso', 302))))
        const { over } = readOnly(tree)
        try {
          writeFileSync(joinPath(source, 'next.iso'), BIG.subarray(1))
          await centre.rescan()
          const statuses = new Set<number>()
          while (failed.length < 2) statuses.add((await ask('next.iso')).status)
          t.same([...statuses], [200])
          t.match(failed[0], new RegExp(`cannot write to ${tree}: .*read-only`))
          t.ok(BIG.equals(await bytesAt(await until('big.iso', 302))), 'what it has')
        } finally {
          over()
        }
        t.ok(BIG.subarray(1).equals(await bytesAt(await until('next.iso', 302))))
      })
    })
  },
)

t.test('its disk fails while it runs', needsRoot, async (t) => {
  const { folder, centre, source, ask, until, invite } = await startDay(t)
  const token = await invite('v')
  await onFailingDisk(t, async ({ path, fail, renew }) => {
    const listen = `127.0.0.2:${await freePort('127.0.0.2')}`
    const own = ['--state', joinPath(folder, 'own'), '--listen', listen]
    const args = ['--join', centre.url, ...own, '--peer-listen', '127.0.0.2:0']
    const tree = joinPath(path, 'tree')
    const first = startService(t, '--token', token, ...args, tree)
    t.ok(BIG.equals(await bytesAt(await until('big.iso', 302))))
    fail()
    writeFileSync(joinPath(source, 'next.iso'), BIG.subarray(1))
    await centre.rescan()
    await first.said(/m: not in step: cannot write to .*\/tree: .*read-only/)
    t.equal((await ask('next.iso')).status, 200, 'not sent there for it')
    t.ok(BIG.equals(await bytesAt(await until('big.iso', 302))), 'and still for the rest')
    t.equal(first.child.exitCode, null)
    first.child.kill('SIGKILL')
    await once(first.child, 'close')
    renew()
    const again = startService(t, ...args, tree)
    t.ok(BIG.subarray(1).equals(await bytesAt(await until('next.iso', 302))))
    again.child.kill('SIGKILL')
    await once(again.child, 'close')
  })
})

t.test('its disk fails in the middle of a file', needsRoot, async (t) => {
  const { folder, centre, source, ask, until, invite } = await startDay(t)
  await onFailingDisk(t, async ({ path, fail }) => {
    await t.test('on its own disk', async (t) => {
      const [state, tree] = [joinPath(folder, 'own'), joinPath(path, 'tree')]
      const own = { token: await invite('v'), state, tree, clock: clockOf(500) }
      const { failed } = startJoined(t, centre.url, own, { downloadRate: 2_000_000 })
      await until('big.iso', 302)
      writeFileSync(joinPath(source, 'long.iso'), other(10_000_000))
      await centre.rescan()
      const partial = joinPath(tree, '.~prsync~', 'partial')
      while (!existsSync(partial) || readdirSync(partial).length === 0) await ask('big.iso')
      t.same(failed, [])
      fail()
      const statuses = new Set<number>()
      while (failed.length < 2) statuses.add((await ask('long.iso')).status)
      t.same([...statuses], [200])
      t.match(failed[0], /read-only|input\/output error|no space left/)
      t.ok(BIG.equals(await bytesAt(await until('big.iso', 302))), 'what it has')
      t.comment(failed.join('; '))
    })
  })
})
