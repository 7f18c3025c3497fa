/** dnf and zypper, unchanged, at a centre with volunteers that fail: both ask the centre again, within a second. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startMirrored } from '../support/interop-centre.js'
import {
  dnfDownload,
  makeRpmRepository,
  RPM_PROGRAMS,
  zypperDownload,
} from '../support/rpm-repository.js'

const lacks = ([program]: readonly [string, string]): boolean =>
  spawnSync(program, ['--version']).error !== undefined
const missing = [...RPM_PROGRAMS, ['dnf', 'dnf'] as const, ['zypper', 'zypper'] as const].find(
  lacks,
)
const skip =
  missing !== undefined
    ? `needs the Debian package ${missing[1]}`
    : process.getuid?.() === 0
      ? false
      : 'dnf and zypper install as root alone'

t.test('dnf and zypper at a centre with volunteers', { skip }, async (t) => {
  const folder = t.testdir({ source: {} })
  const packages = makeRpmRepository(folder, 6)
  const { centre, table, volunteers, reset } = await startMirrored(t, folder)
  t.beforeEach(reset)
  let homes = 0
  const rpms = (at: string): number =>
    readdirSync(at, { recursive: true }).filter((name) => `${name}`.endsWith('.rpm')).length
  /** From nothing each time; how many packages came. */
  const dnf = async (): Promise<number> => {
    const home = join(folder, `dnf${homes++}`)
    mkdirSync(home)
    const { status, stdout, stderr } = await dnfDownload(
      home,
      centre.url,
      packages,
      `libdnf ${homes}`,
    )
    if (status !== 0) t.comment(stdout + stderr)
    return status === 0 ? rpms(join(home, 'got')) : 0
  }
  const zypper = async (): Promise<number> => {
    const home = join(folder, `zypper${homes++}`)
    mkdirSync(home)
    const { status, stdout, stderr } = await zypperDownload(home, centre.url, packages)
    if (status !== 0) t.comment(stdout + stderr)
    return status === 0 ? rpms(join(home, 'root')) : 0
  }
  const asked = (): string[] => volunteers.flatMap((each) => each.asked)

  await t.test('dnf: packages from volunteers, repodata never', async (t) => {
    t.equal(await dnf(), packages.length)
    t.equal(asked().length, packages.length)
    t.notOk(asked().some((path) => path.includes('repodata')))
  })
  for (const fault of ['busy', 'missing', 'bounce'] as const)
    await t.test(`dnf: every volunteer says ${fault}`, async (t) => {
      for (const each of volunteers) each.fault = fault
      t.equal(await dnf(), packages.length)
      const kind = fault === 'bounce' ? 'bounce' : 'retry'
      t.ok(table.evidence.some(([, evidence]) => evidence.kind === kind))
    })
  await t.test('zypper: packages from volunteers, repodata never', async (t) => {
    t.equal(await zypper(), packages.length)
    t.ok(asked().length >= packages.length)
    t.notOk(asked().some((path) => path.includes('repodata')))
  })
  await t.test('zypper: volunteers that cannot', async (t) => {
    for (const each of volunteers) each.fault = 'bounce'
    t.equal(await zypper(), packages.length)
    // How many hangs on how many it asks for at once: after two failures the centre serves it.
    t.ok(table.evidence.length > 0)
  })
})
