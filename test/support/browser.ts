/** Debian's Chromium without a window, and whatever its pages complain about. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'

const CHROMIUM = '/usr/bin/chromium'
export const noChromium: string | false = existsSync(CHROMIUM)
  ? false
  : 'needs the Debian package chromium'

export type Watched = {
  readonly browser: Browser
  /** A page of its own session. */
  open(choice?: Parameters<Browser['newContext']>[0]): Promise<Page>
  /** Errors of scripts, policies and requests, of all pages. */
  readonly complaints: string[]
}

/** Whoever starts it says in the test what complaints are expected: none. */
export async function startBrowser(t: Test): Promise<Watched> {
  const { NODE_OPTIONS: _, ...env } = process.env
  const own = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    env: own,
  })
  t.teardown(() => browser.close())
  const complaints: string[] = []
  const open: Watched['open'] = async (choice) => {
    const context = await browser.newContext(choice)
    const page = await context.newPage()
    page.on('console', (said) => {
      if (said.type() === 'error' || said.type() === 'warning') complaints.push(said.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    return page
  }
  return { browser, open, complaints }
}
