/** The transfer of one connection of a daemon: the module's terms, the server's end of the wire, and the words for the client. */
import type { RunSession } from '../app/daemon.js'
import { allowedRequest } from '../app/module-request.js'
import { defaultSeed } from '../app/system.js'
import { serveWire } from '../app/wire-server.js'
import { PeerOutput } from './peer-output.js'
import { SyncScreen } from './sync-screen.js'

export const runDaemonSession: RunSession = async (link, argv, from, signal) => {
  const { request, refusal } = allowedRequest(argv, from.module, from.refusal, new Date())
  const { itemize, naming } = request
  const options = {
    ...request.options,
    wholeFile: request.options.wholeFile ?? false,
    outFormat: itemize > 0 || naming ? '%i %n%L' : null,
    logUnchanged: itemize > 1 || request.options.info.name > 1,
  }
  const output = new PeerOutput(options, true, () => {})
  const screen = new SyncScreen(options, null, 'local', output)
  return await serveWire(
    {
      request: { ...request, options },
      daemonProtocol: from.protocol,
      filters: from.module.filters,
      refusal,
      environment: process.env,
      seed: defaultSeed(),
    },
    link,
    {
      events: screen.serverEvents(() => output.port),
      speak: (port) => {
        output.port = port
      },
    },
    signal,
  )
}
