/** `prsync --server`: what a remote shell starts for a client. */

import { LineLink, readSecluded } from '../app/secluded-words.js'
import { defaultSeed, stdioLink } from '../app/system.js'
import { serveWire } from '../app/wire-server.js'
import { type ExitCode, PrsyncError } from '../base/errors.js'
import { secludedRequest, serverRequest } from '../options/server-request.js'
import { argumentBytes } from './argument-bytes.js'
import { PeerOutput } from './peer-output.js'
import { SyncScreen } from './sync-screen.js'
import { statusWords } from './sync-words.js'

export async function serverCommand(
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const link = new LineLink(stdioLink())
  try {
    const words = argumentBytes(argv)
    const shown = serverRequest(words, new Date())
    const request = shown.secluded
      ? secludedRequest(words, await readSecluded(link, signal), new Date())
      : shown
    const { itemize, naming } = request
    const options = {
      ...request.options,
      wholeFile: request.options.wholeFile ?? false,
      outFormat: itemize > 0 || naming ? '%i %n%L' : null,
      logUnchanged: itemize > 1 || request.options.info.name > 1,
    }
    const output = new PeerOutput(options, false, () => {})
    const screen = new SyncScreen(options, null, 'local', output)
    return await serveWire(
      {
        request: { ...request, options },
        daemonProtocol: null,
        filters: [],
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
  } catch (error) {
    if (!(error instanceof PrsyncError)) throw error
    if (error.isSilent) return error.exitCode
    process.stderr.write(`prsync: ${error.message}\nprsync ${statusWords(error.exitCode)}\n`)
    return error.exitCode
  } finally {
    await link.close()
  }
}
