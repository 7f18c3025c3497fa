/** The server's end of a connection with its words: behind a remote shell, and in a daemon's module. */
import { defaultSeed } from '../app/system.js'
import { type ServerConfig, serveWire } from '../app/wire-server.js'
import type { ExitCode } from '../base/errors.js'
import type { Link } from '../host.js'
import { PeerOutput } from './peer-output.js'
import { SyncScreen } from './sync-screen.js'

type Terms = Pick<ServerConfig, 'request' | 'daemonProtocol' | 'filters' | 'refusal'>

export function serveClient(terms: Terms, link: Link, signal: AbortSignal): Promise<ExitCode> {
  const { itemize, naming, options: asked } = terms.request
  const options = {
    ...asked,
    wholeFile: asked.wholeFile ?? false,
    outFormat: itemize > 0 || naming ? '%i %n%L' : null,
    logUnchanged: itemize > 1 || asked.info.name > 1,
  }
  const output = new PeerOutput(options, terms.daemonProtocol !== null, () => {})
  const screen = new SyncScreen(options, null, 'local', output)
  const config = {
    ...terms,
    request: { ...terms.request, options },
    environment: process.env,
    seed: defaultSeed(),
  }
  const words = {
    events: screen.serverEvents(() => output.port),
    speak: (port: PeerOutput['port']) => {
      output.port = port
    },
  }
  return serveWire(config, link, words, signal)
}
