/** A directory of a snapshot as a page: sorted by the query, so that no script is needed. */
import { type ByteName, displayName, ROOT_NAME } from '../base/byte-name.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { type Entry, sizeOf } from '../flist/entry.js'
import { type ContentId, rootHex } from '../hash/root.js'
import { withoutBytes } from './file-answer.js'
import { html, htmlAnswer, sizeText } from './html-page.js'
import type { ServedModule } from './module.js'
import { encodePath } from './url-path.js'

/** Changes when the page looks different: what a client has kept is compared with it. */
const LOOK = 1

type Key = 'name' | 'size' | 'time'
type Order = { readonly by: Key; readonly down: boolean }

export function directoryPage(
  module: ServedModule,
  name: ByteName,
  page: ContentId | null,
  request: HttpRequest,
): HttpAnswer {
  if (!request.path.endsWith('/')) {
    const query = request.query === '' ? '' : `?${request.query}`
    const location = `${request.path}/${query}`
    return { status: 301, headers: { location, 'content-length': '0' } }
  }
  const order = orderOf(request.query)
  const of = page === null ? '' : rootHex(page.root).slice(0, 24)
  const headers = {
    etag: `"${LOOK}-${of}-${order.by}${order.down ? '-down' : ''}"`,
    'cache-control': 'public, max-age=60, must-revalidate',
  }
  const early = withoutBytes(request, headers, 0)
  if (early !== null) return early
  const path = `/${module.name}/${name === ROOT_NAME ? '' : `${displayName(name)}/`}`
  return htmlAnswer(path, rows(path, module.list(page), order), headers)
}

/** `sort=size&order=desc`; whatever it does not know is as if it were not there. */
function orderOf(query: string): Order {
  const asked = new URLSearchParams(query)
  const by = KEYS.find((key) => key === asked.get('sort')) ?? 'name'
  return { by, down: asked.get('order') === 'desc' }
}

const KEYS: readonly Key[] = ['name', 'size', 'time']
/** As HTML. */
const TITLES: Readonly<Record<Key, string>> = {
  name: 'Name',
  size: 'Size',
  time: 'Changed<span class="h"> (UTC)</span>',
}

function* rows(path: string, entries: readonly Entry[], order: Order): Iterable<string> {
  const heads = KEYS.map((key) => head(key, order)).join('')
  yield `<h1>${crumbs(path)}</h1>\n<table><thead><tr>${heads}</tr></thead><tbody>\n`
  yield '<tr><td class="w"><a href="../">../</a></td><td></td><td></td></tr>\n'
  const sorted = entries.toSorted((a, b) => compare(a, b, order))
  for (const entry of sorted) yield row(entry)
  const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0)
  const files = entries.filter(({ kind }) => kind === 'file').length
  const directories = entries.filter(({ kind }) => kind === 'directory').length
  yield `</tbody></table>\n<footer>${count(directories, 'directory', 'directories')}, ${count(files, 'file', 'files')}, ${sizeText(bytes)}</footer>\n`
}

function head(key: Key, { by, down }: Order): string {
  const isBy = key === by
  const order = isBy && !down ? '&amp;order=desc' : ''
  const sorted = isBy ? ` aria-sort="${down ? 'descending' : 'ascending'}"` : ''
  const mark = isBy ? (down ? ' ↓' : ' ↑') : ''
  const place = key === 'size' ? ' class="n"' : ''
  return `<th scope="col"${place}${sorted}><a href="?sort=${key}${order}">${TITLES[key]}</a>${mark}</th>`
}

/** The way down to here, each step a link. */
function crumbs(path: string): string {
  const parts = path.split('/').slice(1, -1)
  const steps = parts.map((part, i) => {
    const up = '../'.repeat(parts.length - 1 - i)
    return `<a href="${up === '' ? './' : up}">${html(part)}</a>`
  })
  return `<a href="${'../'.repeat(parts.length)}">/</a> ${steps.join(' / ')}`
}

function row(entry: Entry): string {
  const isDirectory = entry.kind === 'directory'
  const slash = isDirectory ? '/' : ''
  // `./` as a name may look like a scheme.
  const href = `./${encodePath(entry.base)}${slash}`
  const text = `${html(displayName(entry.base))}${slash}`
  const name = hasPage(entry) ? `<a href="${href}">${text}</a>` : text
  const target =
    entry.kind === 'symlink' ? ` <span class="d">→ ${html(displayName(entry.target))}</span>` : ''
  const size = entry.kind === 'file' ? sizeText(sizeOf(entry)) : ''
  const exact = entry.kind === 'file' ? ` title="${sizeOf(entry)} bytes"` : ''
  return `<tr><td class="w">${name}${target}</td><td class="n"${exact}>${size}</td><td class="n d">${time(entry.mtimeNs)}</td></tr>\n`
}

function hasPage({ kind }: Entry): boolean {
  return kind === 'file' || kind === 'directory' || kind === 'symlink'
}

/** The hour is left out where the page is narrow. */
function time(mtimeNs: bigint): string {
  const ms = Number(mtimeNs / 1_000_000n)
  if (Math.abs(ms) > 8.64e15) return ''
  const [day = '', hour = ''] = new Date(ms).toISOString().slice(0, 16).split('T')
  return `${day}<span class="h"> ${hour}</span>`
}

/** Directories first; what is equal goes by name. */
function compare(a: Entry, b: Entry, { by, down }: Order): number {
  const isBelow = Number(b.kind === 'directory') - Number(a.kind === 'directory')
  if (isBelow !== 0) return isBelow
  const byName = a.base < b.base ? -1 : 1
  const forward = by === 'size' ? sizeOf(a) - sizeOf(b) : by === 'time' ? later(a, b) : byName
  return (down ? -forward : forward) || byName
}

function later(a: Entry, b: Entry): number {
  return a.mtimeNs < b.mtimeNs ? -1 : a.mtimeNs > b.mtimeNs ? 1 : 0
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`
}
