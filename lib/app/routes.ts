/** The centre's HTTP surface: who answers which path. */

import { displayName } from '../base/byte-name.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { notAllowed, textAnswer } from '../base/http-answers.js'
import { LIMITS } from '../base/limits.js'
import { type FileDesk, fileRoute } from './file-routes.js'
import type { ServedModule } from './module.js'
import type { ModuleStatus } from './module-status.js'
import { modulesPage } from './modules-page.js'
import { nodeRoute } from './node-routes.js'
import { decodePath } from './url-path.js'

/** Private names below a module: not files. */
const PRIVATE = '.~prsync~'

export type Routes = FileDesk & {
  readonly modules: ReadonlyMap<string, ServedModule>
  /** Announce and scrape; null for other paths. */
  readonly tracker: (request: HttpRequest) => HttpAnswer | null
  /** Null before anything is published. */
  readonly status: (module: ServedModule) => ModuleStatus | null
  /** What an admin may ask; null for other paths. */
  readonly admin: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer> | null
  /** The status pages; null for other paths. */
  readonly pages: (request: HttpRequest) => HttpAnswer | null
}

export function route(routes: Routes, request: HttpRequest): HttpAnswer | Promise<HttpAnswer> {
  const tracked = routes.tracker(request)
  if (tracked !== null) return tracked
  const asked = routes.admin(request)
  if (asked !== null) return asked
  const shown = routes.pages(request)
  if (shown !== null) return shown
  if (request.path.length + request.query.length > LIMITS.urlBytes)
    return textAnswer(414, 'no name is so long\n')
  const path = request.path.startsWith('/') ? decodePath(request.path) : null
  if (path === null) return textAnswer(400, 'malformed path\n')
  const slash = path.indexOf('/', 1)
  const first = slash < 0 ? path.slice(1) : path.slice(1, slash)
  const rest = slash < 0 ? '' : path.slice(slash + 1)
  const module = routes.modules.get(first)
  if (first !== '' && module === undefined)
    return textAnswer(404, `no module ${displayName(first)}\n`)
  if (module !== undefined && (rest === PRIVATE || rest.startsWith(`${PRIVATE}/`)))
    return nodeRoute(module, routes.status, rest.split('/').slice(1), request)
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD')
  if (module === undefined) return modulesPage([...routes.modules.values()], request)
  return fileRoute(routes, module, rest, request)
}
