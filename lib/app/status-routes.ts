/**
 * The status pages of a centre, below `/status/`: HTML for browsers, JSON for everybody else; and `/metrics`. Whoever may ask for files
 * may look: nothing here changes anything. docs/decisions/0049.
 */
import { byteName, nameFault, ROOT_NAME } from '../base/byte-name.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { notAllowed, textAnswer } from '../base/http-answers.js'
import { centreView, type ViewParts } from './centre-view.js'
import { fileView } from './file-view.js'
import { html, htmlAnswer, wantsHtml } from './html-page.js'
import { formatMetrics, METRICS_TYPE } from './metrics.js'
import { STATUS_DRESS } from './status-dress.js'
import { filePage, overviewPage, swarmPage, volunteersPage } from './status-pages.js'
import { decodePath } from './url-path.js'

export const STATUS_PATH = '/status/'
export const LIVE_PATH = '/status/live'
const METRICS_PATH = '/metrics'

/** What a page says, in both forms. */
type Page = {
  readonly title: string
  readonly value: unknown
  /** @param root what leads from the page to the centre's own `/` */
  readonly body: (root: string) => string
}

/** Null for other paths. */
export function statusRoute(parts: ViewParts, request: HttpRequest): HttpAnswer | null {
  const { path, method } = request
  const isOurs = path === METRICS_PATH || path === '/status' || path.startsWith(STATUS_PATH)
  if (!isOurs) return null
  if (method !== 'GET' && method !== 'HEAD') return notAllowed('GET, HEAD')
  const headers = { 'cache-control': 'no-store', vary: 'Accept' }
  if (path === METRICS_PATH)
    return textAnswer(200, formatMetrics(parts), { ...headers, 'content-type': METRICS_TYPE })
  if (path === '/status') return textAnswer(301, '', { location: STATUS_PATH })
  const name = path.slice(STATUS_PATH.length)
  const page = pageOf(parts, name)
  if (page === null) return textAnswer(404, 'no such page\n')
  if (!wantsHtml(request.headers) || new URLSearchParams(request.query).has('json'))
    return textAnswer(200, `${JSON.stringify(page.value)}\n`, {
      ...headers,
      'content-type': 'application/json',
    })
  return htmlAnswer(page.title, [frame(name, page)], headers, STATUS_DRESS)
}

/** What takes the place of a page's `main` as it is now; null: no such page. */
export function liveBody(parts: ViewParts, name: string): string | null {
  const page = pageOf(parts, name)
  return page === null ? null : mainOf(name, page)
}

function pageOf(parts: ViewParts, name: string): Page | null {
  if (name === '' || name === 'volunteers') {
    const view = centreView(parts)
    if (name === '')
      return { title: 'Overview', value: view, body: (root) => overviewPage(view, root) }
    const value = { time: view.time, volunteers: view.volunteers }
    return { title: 'Volunteers', value, body: () => volunteersPage(view) }
  }
  const [kind, first = '', ...rest] = name.split('/')
  const module = parts.modules.get(first)
  if (module === undefined) return null
  if (kind === 'swarm' && rest.length === 0) {
    const status = parts.status(module)
    if (status === null) return null
    const now = parts.now() / 1000
    return { title: `Swarm of ${first}`, value: status, body: () => swarmPage(status, now) }
  }
  if (kind !== 'file') return null
  const path = decodePath(rest.join('/').replace(/\/+$/, ''))
  if (path === null || (path !== '' && nameFault(path) !== null)) return null
  const view = fileView(parts, module, path === '' ? ROOT_NAME : byteName(path))
  if (view === null) return null
  return { title: `${first}/${view.name}`, value: view, body: (root) => filePage(view, root) }
}

function rootOf(name: string): string {
  return '../'.repeat(name.split('/').length)
}

function mainOf(name: string, page: Page): string {
  return `<main>${page.body(rootOf(name))}</main>`
}

function frame(name: string, page: Page): string {
  const root = rootOf(name)
  const link = (to: string, text: string): string =>
    `<a href="${root}status/${to}"${to === name ? ' aria-current="page"' : ''}>${text}</a>`
  const admin =
    name === 'volunteers'
      ? '<details><summary>For admins</summary><form id="admin"><input name="token" type="password" autocomplete="off" placeholder="token: STATE/admin-token" aria-label="admin token"><button>Show actions</button></form></details><p id="said" class="fine" role="status"></p>'
      : ''
  return `<body data-root="${root}" data-page="${html(name)}"><nav>${link('', 'Overview')}${link('volunteers', 'Volunteers')}<a href="${root}">Files</a><a href="?json">JSON</a><span id="live">not connected</span></nav>\n${mainOf(name, page)}\n${admin}`
}
