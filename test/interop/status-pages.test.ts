/** The status pages in a real browser: they render, follow what happens, and say nothing to its console. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { changeVolunteer, inviteVolunteer } from '../../lib/app/volunteer-admin.js'
import { askAt } from '../support/ask.js'
import { noChromium, startBrowser } from '../support/browser.js'
import { startCentre } from '../support/centre.js'
import { channelVolunteer } from '../support/channel-volunteer.js'
import { ruled } from '../support/contents.js'
import { startVolunteer } from '../support/http-volunteers.js'

const EVIL = '<img src=x onerror=alert(1)>'
const { signal } = new AbortController()

t.test('pages of a centre', { skip: noChromium }, async (t) => {
  const folder = t.testdir({ source: {}, state: {} })
  const state = join(folder, 'state')
  mkdirSync(join(folder, 'source', 'pool'))
  writeFileSync(join(folder, 'source', 'pool', 'big.iso'), ruled(200_000))
  writeFileSync(join(folder, 'source', 'pool', `${EVIL.replaceAll('/', '')}.deb`), ruled(100_000))
  const bytes = Buffer.concat([Buffer.from(`${folder}/source/pool/`), Buffer.from([0xff, 0x27])])
  writeFileSync(bytes, 'not UTF-8')
  const centre = await startCentre(join(folder, 'source'), state)
  t.teardown(() => centre.stop())
  const { origin, port } = new URL(centre.url)
  const get = (path: string, client: string) =>
    askAt(Number(port), path, { 'user-agent': client }, 'GET')
  const invite = (name: string) =>
    inviteVolunteer(state, { name, uplink: 12_500_000, networks: [], ttlMs: 60_000 }, signal)
  const given = await startVolunteer(t, 'one', '127.0.0.2', join(folder, 'source'), () => origin)
  const one = channelVolunteer(t, origin, 1, await invite('one'), given.url)
  await one.told

  const browser = await startBrowser(t)
  const page = await browser.open()
  await page.goto(`${origin}/status/`)
  await page.getByText('live', { exact: true }).waitFor()
  t.equal(await page.title(), 'Overview')
  await page.getByText('1 / 1').waitFor()
  const redirects = page.locator('.card', { hasText: 'redirects' })
  t.match(await redirects.textContent(), /^0/)
  for (let i = 0; ; i++) if ((await get('/m/pool/big.iso', `client/${i}`)).status === 302) break
  await page.locator('.card', { hasText: /^1redirects/ }).waitFor()
  t.pass('a redirect is seen as it happens')

  await page.goto(`${origin}/status/volunteers`)
  await page.getByText('live', { exact: true }).waitFor()
  await page.locator('.pill.fresh').waitFor()
  await changeVolunteer(state, { volunteer: 'quarantine', name: 'one', why: EVIL }, signal)
  await page.locator('.pill.quarantined').waitFor()
  await page.getByText(`one is quarantined: ${EVIL}`).waitFor()
  t.equal(await page.locator('img').count(), 0, 'what an admin wrote is text')

  await page.getByText('For admins').click()
  const release = page.getByRole('button', { name: 'release' })
  t.equal(await release.isVisible(), false, 'no action without the token')
  const token = page.getByLabel('admin token')
  await token.fill('0'.repeat(64))
  await page.getByRole('button', { name: 'Show actions' }).click()
  await release.click()
  await page.getByText('refused: wrong token').waitFor()
  t.match(browser.complaints.splice(0), [/401/], 'which Chromium says itself')
  await token.fill(readFileSync(join(state, 'admin-token'), 'latin1').trim())
  await page.getByRole('button', { name: 'Show actions' }).click()
  await release.click()
  await page.locator('.pill.untried, .pill.fresh').waitFor()
  await page.getByText('release one: done').waitFor()

  await page.goto(`${origin}/status/file/m/pool`)
  await page.getByText(`${EVIL}.deb`).waitFor()
  t.equal(await page.locator('img').count(), 0)
  await page.getByRole('link', { name: 'big.iso' }).click()
  await page.getByText('1 / 1').waitFor()
  await page.getByText(/^(fastest|least load)$/).waitFor()
  await page.goto(`${origin}/status/file/m/pool`)
  await page.locator('td', { hasText: "\\#377'" }).getByRole('link').click()
  await page.getByText('9 B').waitFor()

  await page.goto(`${origin}/status/swarm/m`)
  await page.getByText('Nobody is connected').waitFor()
  t.same(browser.complaints, [])

  const phone = await browser.open({ viewport: { width: 375, height: 700 } })
  for (const path of ['', 'volunteers', 'swarm/m', 'file/m/pool', 'file/m/pool/big.iso']) {
    await phone.goto(`${origin}/status/${path}`)
    const [wide, seen] = (await phone.evaluate(
      '[document.documentElement.scrollWidth, innerWidth]',
    )) as [number, number]
    t.ok(wide <= seen, `${path}: nothing beside the screen of a phone (${wide})`)
  }
  t.same(browser.complaints, [])
})
