/** Verification and repair of a pulled tree, against a real centre on loopback. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/app/system.js'
import { type Verified, verify } from '../../lib/app/verify.js'
import { bytesOf } from '../../lib/base/bytes.js'
import { StartupError, TryAgainError } from '../../lib/base/errors.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import { lockTree } from '../../lib/io/lock.js'
import { Store } from '../../lib/io/store.js'
import { DiskTree } from '../../lib/io/tree.js'
import { decodeHead } from '../../lib/snapshot/head.js'
import { NO_EVENTS, pullFrom, startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'

const BIG = Buffer.from(ruled(1_000_000))

async function pulled(t: Test): Promise<{ source: string; copy: string }> {
  const folder = t.testdir({
    source: { big: BIG, small: 'small', empty: '', sub: { a: 'a', b: 'b' } },
  })
  const source = join(folder, 'source')
  symlinkSync('small', join(source, 'link'))
  const copy = join(folder, 'copy')
  const centre = await startCentre(source, join(folder, 'state'))
  t.teardown(() => centre.stop())
  await pullFrom(centre.url, copy)
  return { source, copy }
}

async function verified(
  directory: string,
  repair = false,
): Promise<Verified & { found: string[] }> {
  const found: string[] = []
  const events = {
    found: (fault: string, name: string, what: string) =>
      void found.push(`${fault} ${name}${what === '' ? '' : `: ${what}`}`),
    progress: () => {},
    repair: NO_EVENTS,
  }
  const config = { directory, repair, wait: false, peerListen: null }
  const host = { clock: systemClock, log: () => {}, userAgent: 'prsync/test' }
  const result = await verify(config, events, host, new AbortController().signal)
  return { ...result, found: found.sort() }
}

/** Other bytes under the same size and times, as a failing disk or a careful attacker leaves them. */
function corrupt(path: string): void {
  const { mtimeNs } = statSync(path, { bigint: true })
  const fd = openSync(path, 'r+')
  writeSync(fd, 'X', 0)
  closeSync(fd)
  // Node's own call takes a double of seconds, which is off by a microsecond now and then.
  execFileSync('touch', [
    '-d',
    `@${mtimeNs / 10n ** 9n}.${`${mtimeNs % 10n ** 9n}`.padStart(9, '0')}`,
    path,
  ])
}

t.test('a tree as it was pulled is right', async (t) => {
  const { copy } = await pulled(t)
  const { report, exit, repair } = await verified(copy, true)
  t.equal(exit, 0)
  t.equal(repair, null, 'nothing to repair')
  t.match(report, { sequence: 1, files: 5, bytes: BIG.length + 5 + 2 })
})

t.test('every kind of fault is found, and mended by the repair', async (t) => {
  const { source, copy } = await pulled(t)
  corrupt(join(copy, 'big'))
  rmSync(join(copy, 'sub/a'))
  chmodSync(join(copy, 'sub/b'), 0o600)
  writeFileSync(join(copy, 'empty'), 'not empty')
  rmSync(join(copy, 'link'))
  symlinkSync('big', join(copy, 'link'))
  rmSync(join(copy, 'small'))
  symlinkSync('/etc/passwd', join(copy, 'small'))
  const { found, exit, report } = await verified(copy)
  t.equal(exit, 23)
  const files = found.filter((line) => !/ (\.|sub): time$/.test(line))
  t.same(files, [
    'attributes sub/b: mode',
    'bytes big',
    'bytes empty',
    'bytes link: another symlink',
    'kind small: a symlink stands there',
    'missing sub/a',
  ])
  t.match(report.faults, { bytes: 3, missing: 1, kind: 1 })
  t.equal((await verified(copy)).exit, 23, 'looking mends nothing')
  const repaired = await verified(copy, true)
  t.equal(repaired.exit, 0)
  t.equal(repaired.repair?.report.files.fetched, 4, 'only what was wrong')
  t.equal((await verified(copy)).exit, 0)
  for (const name of ['big', 'small', 'empty', 'link', 'sub/a', 'sub/b'])
    t.ok(readFileSync(join(copy, name)).equals(readFileSync(join(source, name))), name)
})

t.test('bytes that verification found wrong are fetched by the next ordinary pull', async (t) => {
  const folder = t.testdir({ source: { big: BIG } })
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'))
  t.teardown(() => centre.stop())
  const copy = join(folder, 'copy')
  await pullFrom(centre.url, copy)
  corrupt(join(copy, 'big'))
  t.equal((await pullFrom(centre.url, copy)).files.fetched, 0, 'size and time look right')
  t.equal((await verified(copy)).exit, 23)
  t.equal((await pullFrom(centre.url, copy)).files.fetched, 1)
  t.ok(readFileSync(join(copy, 'big')).equals(BIG))
})

t.test('a damaged page of the index is a fault, and the repair brings it again', async (t) => {
  const { copy } = await pulled(t)
  const index = join(copy, '.~prsync~/index')
  const store = new Store(index)
  const head = decodeHead(store.value('head') ?? bytesOf(''))
  if (head.page === null) throw new Error('the head names no page')
  const { page } = head
  store.transaction(() => store.putBlob(page, bytesOf('nonsense')))
  await store.close()
  const { found, exit } = await verified(copy, true)
  t.equal(found.length, 1)
  t.match(found[0], /unreadable \..*damaged/)
  t.equal(exit, 0)
  t.equal((await verified(copy)).exit, 0)
  const after = new Store(index)
  t.equal(contentRoot(after.blob(page.root) ?? bytesOf('x')), page.root)
  await after.close()
})

t.test('what the rules of the pull leave out is not missing', async (t) => {
  const folder = t.testdir({ source: { a: 'a', 'b.deb': 'b', sub: { 'c.deb': 'c' } } })
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'))
  t.teardown(() => centre.stop())
  const copy = join(folder, 'copy')
  await pullFrom(centre.url, copy, { rules: [{ kind: 'exclude', text: '*.deb' }] })
  const { report, exit } = await verified(copy)
  t.equal(exit, 0)
  t.equal(report.files, 1)
})

t.test('a directory that was never pulled, and one that a pull has', async (t) => {
  const { copy, source } = await pulled(t)
  await t.rejects(verified(source), StartupError)
  const tree = new DiskTree(copy)
  const lock = await lockTree(tree, false, new AbortController().signal)
  await t.rejects(verified(copy), TryAgainError)
  lock?.release()
  tree.close()
})
