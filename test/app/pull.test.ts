/** Whole pulls from a centre in this process: what a mirror admin relies on, on good days. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { EXIT, UsageError } from '../../lib/base/errors.js'
import { contentRoot, leavesOf } from '../../lib/hash/merkle.js'
import { libc } from '../../lib/io/libc.js'
import { Store } from '../../lib/io/store.js'
import { pullFrom, startCentre, type TestCentre } from '../support/centre.js'
import { seededRandom } from '../support/seeded-random.js'
import { differences } from '../support/trees.js'

const random = seededRandom(7)
const bytes = (n: number): Buffer => Buffer.from(random.bytes(n))
/** Without koffi no FIFOs and devices are made: decisions/0019. */
const isBridged = libc().lacks.length === 0
const isRoot = process.geteuid?.() === 0
const needsRsync = {
  skip: spawnSync('rsync', ['--version']).status === 0 ? false : 'needs the Debian package rsync',
}

/** A source, its centre, and where to pull to. */
async function scene(
  t: Test,
  fill: (source: string) => void,
): Promise<{ source: string; dest: string; centre: TestCentre }> {
  const home = t.testdir({ source: {}, state: {} })
  const source = join(home, 'source')
  fill(source)
  const centre = await startCentre(source, join(home, 'state'))
  t.teardown(() => centre.stop())
  return { source, dest: join(home, 'dest'), centre }
}

t.test('keeps all that rsync -aH keeps', async (t) => {
  const { source, dest, centre } = await scene(t, (source) => {
    mkdirSync(join(source, 'pool/deep'), { recursive: true })
    writeFileSync(join(source, 'empty'), '')
    writeFileSync(join(source, 'small'), 'hello\n', { mode: 0o640 })
    writeFileSync(join(source, 'pool/leaf'), bytes(16385))
    writeFileSync(join(source, 'pool/deep/large'), bytes(700_001))
    writeFileSync(
      Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0x66, 0xff, 0xfe, 0x0a])]),
      'odd name',
    )
    symlinkSync('../small', join(source, 'pool/link'))
    symlinkSync('nowhere', join(source, 'dangling'))
    linkSync(join(source, 'pool/leaf'), join(source, 'second'))
    linkSync(join(source, 'pool/leaf'), join(source, 'pool/third'))
    if (isBridged) execFileSync('mkfifo', [join(source, 'fifo')])
    if (isRoot && isBridged) execFileSync('mknod', [join(source, 'null'), 'c', '1', '3'])
    if (isRoot) execFileSync('chown', ['1234:4321', join(source, 'small')])
    execFileSync('chmod', ['4755', join(source, 'pool/deep/large')])
    execFileSync('chmod', ['2555', join(source, 'pool/deep')])
    execFileSync('touch', [
      '-d',
      '2001-02-03 04:05:06.987654321',
      join(source, 'small'),
      join(source, 'pool'),
    ])
    execFileSync('touch', ['-h', '-d', '1969-12-31 23:59:58.5', join(source, 'dangling')])
  })
  const report = await pullFrom(centre.url, dest)
  t.equal(report.exit, EXIT.ok)
  t.strictSame(differences(source, dest), [])
  t.equal(
    report.bytes.wanted,
    report.bytes.cloned + report.bytes.delta + report.bytes.peers + report.bytes.centre,
  )
  const again = await pullFrom(centre.url, dest)
  t.match(again, { exit: 0, bytes: { wanted: 0 }, files: { fetched: 0, cloned: 0, deleted: 0 } })
})

t.test('a new release costs what changed', async (t) => {
  const { source, dest, centre } = await scene(t, (source) => {
    for (let i = 0; i < 30; i++) writeFileSync(join(source, `f${i}`), bytes(3000))
    writeFileSync(join(source, 'image'), bytes(3_000_000))
    mkdirSync(join(source, 'old'))
    writeFileSync(join(source, 'old/gone'), 'gone')
  })
  await pullFrom(centre.url, dest)
  renameSync(join(source, 'f1'), join(source, 'renamed'))
  copyFileSync(join(source, 'f2'), join(source, 'duplicate'))
  writeFileSync(join(source, 'f3'), 'edited')
  rmSync(join(source, 'old'), { recursive: true })
  const image = readFileSync(join(source, 'image'))
  image.fill(1, 1_000_000, 1_000_050)
  writeFileSync(
    join(source, 'image'),
    Buffer.concat([image.subarray(0, 500_000), Buffer.from('inserted'), image.subarray(500_000)]),
  )
  await centre.rescan()
  const kept = await pullFrom(centre.url, dest)
  t.equal(kept.files.deleted, 0, 'without --delete nothing goes')
  t.ok(statSync(join(dest, 'old/gone')))
  const report = await pullFrom(centre.url, dest, { delete: true })
  t.equal(report.files.deleted, 3)
  t.strictSame(differences(source, dest), [])
  t.equal(kept.bytes.cloned, 6000, 'the renamed and the duplicate file cost nothing')
  t.ok(kept.bytes.delta > 2_900_000, 'the image comes out of the old one')
  t.ok(kept.bytes.centre < 6 + 5 * 2048 + 20_000, `${kept.bytes.centre} bytes from the centre`)
  t.equal(kept.bytes.wanted, kept.bytes.cloned + kept.bytes.delta + kept.bytes.centre)
})

t.test('a similar name is a basis too', async (t) => {
  const old = bytes(900_000)
  const { source, dest, centre } = await scene(t, (source) => {
    writeFileSync(join(source, 'foo_1.2-1_amd64.deb'), old)
  })
  await pullFrom(centre.url, dest)
  writeFileSync(
    join(source, 'foo_1.10-2_amd64.deb'),
    Buffer.concat([Buffer.from('new header'), old.subarray(100)]),
  )
  await centre.rescan()
  const report = await pullFrom(centre.url, dest)
  t.strictSame(differences(source, dest), [])
  t.ok(report.bytes.delta > 880_000)
})

t.test('types that change, and what stands in the way', async (t) => {
  const { source, dest, centre } = await scene(t, (source) => {
    writeFileSync(join(source, 'file-to-directory'), 'x')
    mkdirSync(join(source, 'directory-to-file'))
    symlinkSync('file-to-directory', join(source, 'link-to-file'))
    writeFileSync(join(source, 'file-to-link'), 'y')
  })
  await pullFrom(centre.url, dest)
  for (const name of readdirSync(source)) rmSync(join(source, name), { recursive: true })
  mkdirSync(join(source, 'file-to-directory'))
  writeFileSync(join(source, 'file-to-directory/inside'), 'inside')
  writeFileSync(join(source, 'directory-to-file'), 'z')
  writeFileSync(join(source, 'link-to-file'), 'w')
  symlinkSync('directory-to-file', join(source, 'file-to-link'))
  await centre.rescan()
  const report = await pullFrom(centre.url, dest, { delete: true })
  t.equal(report.exit, EXIT.ok)
  t.strictSame(differences(source, dest), [])
})

t.test('a mirror that rsync made is adopted: nothing is fetched', needsRsync, async (t) => {
  const { source, dest, centre } = await scene(t, (source) => {
    for (let i = 0; i < 20; i++) writeFileSync(join(source, `f${i}`), bytes(2000))
    writeFileSync(join(source, 'large'), bytes(400_000))
  })
  execFileSync('rsync', ['-aH', `${source}/`, `${dest}/`])
  const report = await pullFrom(centre.url, dest)
  t.match(report, { exit: 0, bytes: { wanted: 0 }, files: { kept: 21, fetched: 0 } })
  t.strictSame(differences(source, dest), [])
  await t.test('and --checksum finds what size and time hide', async (t) => {
    const { atime, mtime } = statSync(join(dest, 'large'))
    const wrong = readFileSync(join(dest, 'large'))
    wrong.fill(0, 1000, 1010)
    writeFileSync(join(dest, 'large'), wrong)
    utimesSync(join(dest, 'large'), atime, mtime)
    execFileSync('touch', ['-r', join(source, 'large'), join(dest, 'large')])
    t.equal((await pullFrom(centre.url, dest)).bytes.wanted, 0)
    const report = await pullFrom(centre.url, dest, { checksum: true })
    t.equal(report.exit, EXIT.ok)
    t.strictSame(differences(source, dest), [])
  })
})

t.test('filters make a partial mirror, as with rsync', needsRsync, async (t) => {
  const { source, dest, centre } = await scene(t, (source) => {
    for (const name of ['a/x.deb', 'a/x.iso', 'b/y.deb', 'b/sub/z.deb', 'keep/me.iso']) {
      mkdirSync(join(source, name, '..'), { recursive: true })
      writeFileSync(join(source, name), name)
    }
  })
  const rules = ['+ /keep/***', '- *.iso', '- sub/']
  const other = `${dest}-rsync`
  for (const top of [dest, other]) {
    mkdirSync(join(top, 'b/sub'), { recursive: true })
    writeFileSync(join(top, 'b/sub/local'), 'protected')
    writeFileSync(join(top, 'b/extra'), 'goes')
    writeFileSync(join(top, 'local.iso'), 'protected')
  }
  execFileSync('rsync', [
    '-a',
    '--delete',
    ...rules.map((r) => `--filter=${r}`),
    `${source}/`,
    `${other}/`,
  ])
  const report = await pullFrom(centre.url, dest, {
    delete: true,
    rules: rules.map((text) => ({ kind: 'filter', text })),
  })
  t.equal(report.files.deleted, 1)
  t.strictSame(
    differences(other, dest).filter((line) => !/mtimeNs/.test(line)),
    [],
  )
})

t.test('--max-delete stops at the number and says so', async (t) => {
  const { source, dest, centre } = await scene(t, (source) => {
    for (let i = 0; i < 5; i++) writeFileSync(join(source, `f${i}`), `${i}`)
  })
  await pullFrom(centre.url, dest)
  for (let i = 0; i < 4; i++) rmSync(join(source, `f${i}`))
  await centre.rescan()
  const report = await pullFrom(centre.url, dest, {
    delete: true,
    maxDelete: { kind: 'count', count: 3 },
  })
  t.match(report, { exit: EXIT.maxDelete, files: { deleted: 3 } })
})

t.test('-n changes nothing and says what would be done', async (t) => {
  const { source, dest, centre } = await scene(t, (source) => {
    writeFileSync(join(source, 'f'), 'x')
    mkdirSync(join(source, 'd'))
    writeFileSync(join(source, 'd/g'), bytes(100_000))
  })
  const dry = await pullFrom(centre.url, dest, { dryRun: true })
  t.strictSame(readdirSync(dest), ['.~prsync~'])
  const real = await pullFrom(centre.url, dest)
  t.equal(dry.bytes.wanted, real.bytes.wanted)
  t.equal(dry.files.fetched, real.files.fetched)
  appendFileSync(join(source, 'f'), 'y')
  await centre.rescan()
  t.match(await pullFrom(centre.url, dest, { dryRun: true }), { files: { fetched: 1 } })
  t.equal(readFileSync(join(dest, 'f'), 'utf8'), 'x')
})

t.test('--no-scan looks only at what the snapshot changed', async (t) => {
  const { source, dest, centre } = await scene(t, (source) => {
    for (const d of ['a', 'b']) mkdirSync(join(source, d))
    writeFileSync(join(source, 'a/f'), bytes(2000))
    writeFileSync(join(source, 'b/g'), 'g')
    linkSync(join(source, 'a/f'), join(source, 'a/second'))
  })
  await pullFrom(centre.url, dest, { noScan: true })
  t.strictSame(differences(source, dest), [], 'the first time there is nothing to believe')
  writeFileSync(join(dest, 'a/f2'), 'local')
  rmSync(join(dest, 'b/g'))
  linkSync(join(source, 'a/f'), join(source, 'b/third'))
  await centre.rescan()
  const report = await pullFrom(centre.url, dest, { noScan: true, delete: true })
  t.match(report, { exit: 0, bytes: { centre: 1 } }, 'b changed and is looked at')
  t.equal(statSync(join(dest, 'b/third')).ino, statSync(join(dest, 'a/f')).ino)
  const still = await pullFrom(centre.url, dest, { noScan: true, delete: true })
  t.match(
    still,
    { exit: 0, files: { kept: 0, deleted: 0 } },
    'nothing changed: nothing is looked at',
  )
  await pullFrom(centre.url, dest, { delete: true })
  t.strictSame(differences(source, dest), [])
})

t.test('a directory of the module alone', async (t) => {
  const { source, dest, centre } = await scene(t, (source) => {
    mkdirSync(join(source, 'dists/stable'), { recursive: true })
    writeFileSync(join(source, 'dists/stable/Release'), 'r')
    writeFileSync(join(source, 'other'), 'o')
  })
  await pullFrom(`${centre.url}/dists`, dest)
  t.strictSame(differences(join(source, 'dists'), dest), [])
  await t.rejects(pullFrom(`${centre.url}/nothing`, `${dest}2`), UsageError)
})

t.test('through the swarm: three nodes, one copy from the centre', async (t) => {
  const { source, dest, centre } = await scene(t, (source) => {
    for (let i = 0; i < 200; i++) writeFileSync(join(source, `f${i}`), bytes(5000))
    writeFileSync(join(source, 'large'), bytes(2_000_000))
  })
  const choice = { peerListen: { host: '127.0.0.1', port: 0 }, lingerMs: 20_000 }
  const reports = await Promise.all(
    [1, 2, 3].map((i) => pullFrom(centre.url, `${dest}${i}`, choice)),
  )
  for (const [i, report] of reports.entries()) {
    t.equal(report.exit, EXIT.ok)
    t.strictSame(differences(source, `${dest}${i + 1}`), [])
    const { wanted, cloned, delta, peers, centre: direct } = report.bytes
    t.equal(wanted, cloned + delta + peers + direct)
  }
  const large = readFileSync(join(source, 'large'))
  const store = new Store(`${dest}1/.~prsync~/index`)
  t.strictSame(
    Buffer.from(store.leaves.of(contentRoot(large)) ?? []),
    Buffer.from(leavesOf(large)),
    'it can prove the large content',
  )
  await store.close()
  const direct = reports.reduce((sum, r) => sum + r.bytes.centre, 0)
  t.ok(direct < 2 * 3_000_000, `${direct} bytes from the centre for three nodes of 3,000,000`)
})
