/** The transfer of one connection of a daemon, as its module allows it. */
import type { RunSession } from '../app/daemon.js'
import { allowedRequest } from '../app/module-request.js'
import { PrsyncError } from '../base/errors.js'
import { serveClient } from './server-session.js'

export const runDaemonSession: RunSession = async (link, argv, from, signal) => {
  const { module, peer, user } = from
  const { request, refusal } = allowedRequest(argv, module, from, new Date())
  const terms = {
    request,
    refusal,
    filters: module.filters,
    hides: from.hides,
    uplink: from.uplink,
    accounts: from.accounts,
    daemonProtocol: from.protocol,
  }
  const voice = {
    name: module.name,
    root: module.path,
    format: module.transferLogging ? module.logFormat : null,
    visitor: {
      address: peer.address,
      host: peer.name,
      user,
      module: module.name,
      path: module.shownPath,
    },
    log: from.log,
  }
  try {
    return await serveClient(terms, link, voice, signal)
  } catch (error) {
    // The client was told, and the log.
    if (error instanceof PrsyncError) return error.exitCode
    throw error
  }
}
