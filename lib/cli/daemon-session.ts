/** The transfer of one connection of a daemon, as its module allows it. */
import type { RunSession } from '../app/daemon.js'
import { allowedRequest } from '../app/module-request.js'
import { serveClient } from './server-session.js'

export const runDaemonSession: RunSession = (link, argv, from, signal) => {
  const { request, refusal } = allowedRequest(argv, from.module, from.refusal, new Date())
  const { filters } = from.module
  return serveClient({ request, refusal, filters, daemonProtocol: from.protocol }, link, signal)
}
