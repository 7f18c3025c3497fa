/** A directory of a snapshot as a page. */
import { type ByteName, displayName, ROOT_NAME } from '../base/byte-name.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { textAnswer } from '../base/http-answers.js'
import { sizeOf } from '../flist/entry.js'
import type { ServedModule } from './module.js'
import { encodePath } from './url-path.js'

export function directoryPage(
  module: ServedModule,
  name: ByteName,
  page: Parameters<ServedModule['list']>[0],
  request: HttpRequest,
): HttpAnswer {
  if (!request.path.endsWith('/'))
    return { status: 301, headers: { location: `${request.path}/`, 'content-length': '0' } }
  const rows = module.list(page).map((entry) => {
    const slash = entry.kind === 'directory' ? '/' : ''
    const size = entry.kind === 'file' ? `${sizeOf(entry)}` : ''
    return `<tr><td><a href="${encodePath(entry.base)}${slash}">${html(displayName(entry.base))}${slash}</a></td><td>${size}</td></tr>`
  })
  const title = html(`/${module.name}/${name === ROOT_NAME ? '' : displayName(name)}`)
  return textAnswer(
    200,
    `<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><table>${rows.join('\n')}</table>\n`,
    { 'content-type': 'text/html; charset=utf-8' },
  )
}

function html(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
}
