/** Without koffi: the same suites pass over Node's own calls, and what is lost is said. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { nodeCalls } from '../../lib/io/libc-node.js'
import { decide } from '../../lib/plan/decide.js'
import { startCentre } from '../support/centre.js'
import { fileEntry } from '../support/entries.js'
import { prsync } from '../support/program.js'
import { standingOf } from '../support/standing.js'

const WITHOUT = { PRSYNC_NO_LIBC: '1' }

for (const suite of ['io/tree', 'io/lock', 'io/partial', 'app/pull', 'app/bad-days', 'app/status'])
  t.test(`${suite} passes without koffi`, async (t) => {
    const path = fileURLToPath(new URL(`../${suite}.test.js`, import.meta.url))
    // The word makes tap name its folders otherwise: the suite itself may be running beside this.
    const child = spawn(process.execPath, [path, 'without-koffi'], {
      env: { ...process.env, ...WITHOUT },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let heard = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text))
    const [status] = (await once(child, 'close')) as [number]
    const failed = heard.split('\n').filter((line) => /^ *not ok/.test(line))
    t.equal(status, 0)
    t.same(failed, [])
    t.match(heard, /^ok \d/m, 'it tested something')
  })

t.test('what is lost is said at the first pull and not again', async (t) => {
  const folder = t.testdir({ source: { a: 'a' } })
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'))
  t.teardown(() => centre.stop())
  const args = ['pull', '--no-peers', '--linger', '0', centre.url, join(folder, 'dest')]
  t.match(await prsync(args, WITHOUT), { status: 0, stderr: /koffi.*microsecond.*devices/ })
  t.match(await prsync(args, WITHOUT), { status: 0, stderr: '' })
  t.match(await prsync([...args, '-X'], WITHOUT), { status: 4, stderr: /extended attributes/ })
})

t.test('times below the step that can be set are no difference', async (t) => {
  const entry = { ...fileEntry('f'), mtimeNs: 5_000_001_999n }
  const seen = (mtimeNs: bigint) => ({
    standing: standingOf(entry, { mtimeNs }),
    target: null,
    root: null,
  })
  const wanted = { entry, uid: -1, gid: -1 }
  t.match(decide(wanted, seen(5_000_001_000n), false, 1000n), { kind: 'keep' })
  t.match(decide(wanted, seen(5_000_001_000n)), { kind: 'touch' })
  t.match(decide(wanted, seen(5_000_002_000n), false, 1000n), { kind: 'touch' })
})

t.test('a device at the centre is a fault of that name, and the rest comes', async (t) => {
  const folder = t.testdir({ source: { a: 'a' } })
  execFileSync('mkfifo', [join(folder, 'source/fifo')])
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'))
  t.teardown(() => centre.stop())
  const dest = join(folder, 'dest')
  const ran = await prsync(['pull', '--no-peers', '--linger', '0', centre.url, dest], WITHOUT)
  t.match(ran, { status: 23, stderr: /fifo: .*not without koffi/ })
  t.equal(lstatSync(join(dest, 'a')).size, 1)
})

t.test('a mode does not go through a link', async (t) => {
  const folder = t.testdir({ in: {}, out: { f: 'x' } })
  const calls = nodeCalls()
  symlinkSync(join(folder, 'out/f'), join(folder, 'in/link'))
  mkdirSync(join(folder, 'in/d'))
  writeFileSync(join(folder, 'in/d/f'), '')
  const top = openSync(join(folder, 'in'), constants.O_RDONLY | constants.O_DIRECTORY)
  const before = lstatSync(join(folder, 'out/f')).mode
  t.throws(() => calls.chmodAt(top, Buffer.from('link'), 0o777), { code: 'EOPNOTSUPP' })
  t.equal(lstatSync(join(folder, 'out/f')).mode, before)
  closeSync(calls.openBeneath(top, Buffer.from('d/f'), constants.O_RDONLY, 0))
  for (const name of ['link', '../out', 'd/../d', '/etc', 'd//f', './d'])
    t.throws(() => calls.openBeneath(top, Buffer.from(name), constants.O_RDONLY, 0), name)
  rmSync(join(folder, 'in/d'), { recursive: true })
  symlinkSync('../out', join(folder, 'in/d'))
  t.throws(
    () => calls.openBeneath(top, Buffer.from('d/f'), constants.O_RDONLY, 0),
    'through a link',
  )
  closeSync(top)
})
