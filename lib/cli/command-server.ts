/** `prsync --server`: what a remote shell starts for a client. */

import { LineLink, readSecluded } from '../app/secluded-words.js'
import { stdioLink } from '../app/system.js'
import { LOCAL_ACCOUNTS } from '../app/target-side.js'
import { type ExitCode, PrsyncError } from '../base/errors.js'
import { secludedRequest, serverRequest } from '../options/server-request.js'
import { argumentBytes } from './argument-bytes.js'
import { serveClient } from './server-session.js'
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
      ? secludedRequest(words, await readSecluded(link, shown.options, signal), new Date())
      : shown
    return await serveClient(
      {
        request,
        accounts: LOCAL_ACCOUNTS,
        daemonProtocol: null,
        filters: [],
        hides: null,
        uplink: null,
        refusal: null,
      },
      link,
      null,
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
