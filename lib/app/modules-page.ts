/** `/` of a centre: which modules there are, a page for browsers and a list for everybody else. */
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { textAnswer } from '../base/http-answers.js'
import { html, htmlAnswer, sizeText, wantsHtml } from './html-page.js'
import type { ServedModule } from './module.js'

export function modulesPage(modules: readonly ServedModule[], request: HttpRequest): HttpAnswer {
  const headers = { 'cache-control': 'no-cache', vary: 'Accept' }
  if (!wantsHtml(request.headers))
    return textAnswer(200, modules.map(({ name }) => `${name}/\n`).join(''), headers)
  const rows = modules.map(row).join('')
  const heads =
    '<th>Module</th><th class="n">Files</th><th class="n">Size</th><th class="n">Snapshot (UTC)</th>'
  const table = `<h1>Modules</h1>\n<table><thead><tr>${heads}</tr></thead><tbody>\n${rows}</tbody></table>\n`
  return htmlAnswer('Modules', [table], headers)
}

function row({ name, current }: ServedModule): string {
  const link = `<td class="w"><a href="${name}/">${html(name)}/</a></td>`
  if (current === null) return `<tr>${link}<td class="d" colspan="3">not published yet</td></tr>\n`
  const { files, bytes, time, sequence } = current.head
  const when = new Date(time * 1000).toISOString().slice(0, 16).replace('T', ' ')
  return `<tr>${link}<td class="n">${files}</td><td class="n">${sizeText(bytes)}</td><td class="n d">${sequence}, ${when}</td></tr>\n`
}
