/** The server's end of a connection with its words: behind a remote shell, and in a daemon's module. */
import { defaultSeed } from '../app/system.js'
import { type ServerConfig, type ServerWords, serveWire } from '../app/wire-server.js'
import { type ExitCode, PrsyncError } from '../base/errors.js'
import type { Link } from '../host.js'
import { type ModuleVoice, PeerOutput } from './peer-output.js'
import { SyncScreen } from './sync-screen.js'
import { errorWords, statusWords } from './sync-words.js'
import { TransferLog } from './transfer-log.js'

type Terms = Pick<
  ServerConfig,
  'request' | 'accounts' | 'daemonProtocol' | 'filters' | 'hides' | 'refusal'
>

/** What a daemon has of a session besides: its voice, and how it logs. */
export type DaemonVoice = ModuleVoice &
  Pick<ConstructorParameters<typeof TransferLog>[0], 'format' | 'visitor'>

export function serveClient(
  terms: Terms,
  link: Link,
  voice: DaemonVoice | null,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { itemize, naming, isSender, options: asked } = terms.request
  const options = {
    ...asked,
    wholeFile: asked.wholeFile ?? false,
    outFormat: itemize > 0 || naming ? '%i %n%L' : null,
    logUnchanged: itemize > 1 || asked.info.name > 1,
  }
  const output = new PeerOutput(options, voice)
  const screen = new SyncScreen(options, null, 'local', output)
  const log =
    voice === null
      ? null
      : new TransferLog({ ...voice, options, isSender, tellsAll: itemize > 1, write: voice.log })
  const config = {
    ...terms,
    request: { ...terms.request, options },
    environment: process.env,
    seed: defaultSeed(),
  }
  const events = screen.serverEvents(() => output.port, isSender)
  const words: ServerWords = {
    events: log?.over(events) ?? events,
    speak: (port) => {
      output.port = port
      if (terms.refusal === null) log?.begin(port.checksum)
    },
    // Behind a remote shell the program says it, when it ends.
    failed: (error) => {
      if (voice === null || !(error instanceof PrsyncError)) return
      const words = error.isSilent ? [] : errorWords(error).trimEnd().split('\n')
      for (const line of words) output.error(line)
      output.error(`prsync ${statusWords(error.exitCode)}`)
    },
    ended: (report) => log?.end(report),
  }
  return serveWire(config, link, words, signal)
}
