/** apt, unchanged, at a centre with volunteers that fail: it never comes back to try another, so it must not be sent to them. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { APT_PROGRAMS, Apt, makeRepository } from '../support/apt-repository.js'
import { startMirrored } from '../support/interop-centre.js'
import { loadReport } from '../support/volunteers.js'

const missing = APT_PROGRAMS.find(([program]) => spawnSync(program, ['--version']).error)
const skip = missing === undefined ? false : `needs the Debian package ${missing[1]}`

t.test('apt at a centre with volunteers', { skip }, async (t) => {
  const folder = t.testdir({ source: {} })
  const { key, packages } = makeRepository(folder, 12)
  const { centre, table, volunteers, reset } = await startMirrored(t, folder)
  t.beforeEach(reset)
  let homes = 0
  /** Everything from nothing, each time; true: all packages came, and apt held them against its index. */
  const bringsAll = async (): Promise<boolean> => {
    const home = join(folder, `apt${homes++}`)
    const apt = new Apt(home, centre.url, key, `${homes}`)
    const update = await apt.update()
    if (update.status !== 0) throw new Error(update.stderr)
    const install = await apt.download(packages)
    if (install.status !== 0) t.comment(install.stderr)
    const got = readdirSync(join(home, 'cache/archives')).filter((name) => name.endsWith('.deb'))
    return install.status === 0 && got.length === packages.length
  }
  const asked = (): string[] => volunteers.flatMap((each) => each.asked)

  await t.test('packages come from volunteers, indices never do', async (t) => {
    t.ok(await bringsAll())
    t.equal(asked().length, packages.length)
    t.notOk(asked().some((path) => path.includes('/dists/')))
  })

  await t.test('volunteers that send it back are not the end', async (t) => {
    for (const each of volunteers) each.fault = 'bounce'
    t.ok(await bringsAll())
    t.equal(asked().length, packages.length, 'once each')
    t.equal(table.evidence.filter(([, { kind }]) => kind === 'bounce').length, packages.length)
  })

  await t.test('a volunteer that is not heard of any more gets nobody', async (t) => {
    const [gone, old, draining] = volunteers
    table.volunteers = []
    table.add('gone', gone?.url ?? '', { standing: { state: 'quarantined', why: 'wrong bytes' } })
    table.add('old', old?.url ?? '', { report: loadReport({ atMs: Date.now() - 60_000 }) })
    table.add('draining', draining?.url ?? '', { standing: { state: 'draining' } })
    t.ok(await bringsAll(), 'from the centre')
    t.same(asked(), [])
  })

  await t.test('a 404 at a volunteer would be its end', async (t) => {
    for (const each of volunteers) each.fault = 'missing'
    t.notOk(await bringsAll(), 'why volunteers send back what they lack')
  })
})
