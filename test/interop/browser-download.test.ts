/** Chromium and curl, unchanged, at a centre that sends them to volunteers: over HTTP, and over HTTPS where all of them speak it. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { noChromium, startBrowser } from '../support/browser.js'
import { startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'
import { startVolunteer, TestTable } from '../support/http-volunteers.js'
import { startMirrored } from '../support/interop-centre.js'
import { projectFile } from '../support/project.js'
import { runAsync } from '../support/run-async.js'

const BIG = Buffer.from(ruled(2_000_000))
const noCurl =
  spawnSync('curl', ['--version']).status === 0 ? false : 'needs the Debian package curl'

t.test('Chromium downloads what it clicks on from a volunteer', { skip: noChromium }, async (t) => {
  const folder = t.testdir({ source: {} })
  writeFileSync(join(folder, 'source/disk-1.2.3.iso'), BIG)
  const { centre, volunteers } = await startMirrored(t, folder)
  const browser = await startBrowser(t)
  const page = await browser.open()
  await page.goto(`${centre.url}/`)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'disk-1.2.3.iso' }).click(),
  ])
  t.equal(download.suggestedFilename(), 'disk-1.2.3.iso')
  const path = join(folder, 'got')
  await download.saveAs(path)
  t.ok(readFileSync(path).equals(BIG))
  t.equal(volunteers.flatMap(({ asked }) => asked).length, 1)
  t.same(browser.complaints, [])
})

t.test('curl over HTTPS, from end to end', { skip: noCurl }, async (t) => {
  const folder = t.testdir({ source: {}, state: {}, got: {} })
  const source = join(folder, 'source')
  writeFileSync(join(source, 'disk-1.2.3.iso'), BIG)
  const pem = (name: string): string => fileURLToPath(projectFile(`fixtures/tls/${name}.pem`))
  const tls = { cert: readFileSync(pem('cert'), 'utf8'), key: readFileSync(pem('key'), 'utf8') }
  const table = new TestTable()
  const listen = { host: '::1', port: 0 }
  const choice = { volunteers: table, tls, listen }
  const centre = await startCentre(source, join(folder, 'state'), choice)
  t.teardown(() => centre.stop())
  t.match(centre.url, /^https:\/\/\[::1\]:\d+\/m$/)
  const { origin } = new URL(centre.url)
  const volunteer = await startVolunteer(t, 'v1', '::1', source, () => origin, tls)
  const plain = await startVolunteer(t, 'v2', '127.0.0.2', source, () => origin)
  table.add('v1', volunteer.url, { scheme: 'https', families: [16] })
  table.add('v2', plain.url, { families: [4, 16] })
  mkdirSync(join(folder, 'got'), { recursive: true })
  const run = (...args: string[]) =>
    runAsync('curl', ['-sSL', '--cacert', pem('cert'), ...args], join(folder, 'got'))
  const got = await run(
    '-f',
    '-O',
    '-w',
    '%{url_effective} %{num_redirects}',
    `${centre.url}/disk-1.2.3.iso`,
  )
  t.equal(got.status, 0, got.stderr)
  t.equal(got.stdout, `${volunteer.url}/m/disk-1.2.3.iso 1`)
  t.ok(readFileSync(join(folder, 'got/disk-1.2.3.iso')).equals(BIG))
  t.equal(plain.asked.length, 0, 'nobody is sent from https to http')
  await volunteer.stop()
  const alone = await run(
    '-f',
    '-A',
    'two',
    '--retry',
    '2',
    '--retry-delay',
    '1',
    '--retry-all-errors',
    '-o',
    'again',
    `${centre.url}/disk-1.2.3.iso`,
  )
  t.equal(alone.status, 0, alone.stderr)
  t.ok(
    readFileSync(join(folder, 'got/again')).equals(BIG),
    'its volunteer is gone: the centre gives it',
  )
})
