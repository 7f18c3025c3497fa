/** The server's end of a connection with its words: behind a remote shell, and in a daemon's module. */
import { defaultSeed } from '../app/system.js'
import { type ServerConfig, type ServerWords, serveWire } from '../app/wire-server.js'
import { bytesOf } from '../base/bytes.js'
import { type ExitCode, PrsyncError } from '../base/errors.js'
import type { Link } from '../host.js'
import type { Options } from '../options/options.js'
import { type ModuleVoice, PeerOutput, type ServerLog } from './peer-output.js'
import { openRunLog } from './run-log.js'
import { SyncScreen } from './sync-screen.js'
import { errorWords, escapeName, refusedWords, statusWords } from './sync-words.js'
import { type LogTerms, TransferLog } from './transfer-log.js'
import { writeAll } from './write-all.js'

type Terms = Pick<
  ServerConfig,
  'request' | 'accounts' | 'daemonProtocol' | 'filters' | 'hides' | 'uplink' | 'refusal'
>

/** What a daemon has of a session besides: its voice, and how it logs. */
export type DaemonVoice = ModuleVoice &
  Pick<LogTerms, 'format' | 'visitor'> & {
    /** The daemon's log. */
    readonly log: ServerLog
  }

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
    logUnchanged: itemize > 1 || (itemize > 0 && asked.info.name > 1),
  }
  const kept = voice === null ? openLog(options) : { ...voice, write: voice.log }
  const output = new PeerOutput(options, voice, kept?.write ?? (() => {}))
  const screen = new SyncScreen(options, null, 'local', output)
  const log =
    kept === null ? null : new TransferLog({ ...kept, options, isSender, tellsAll: itemize > 1 })
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
    failed: (error) => {
      if (!(error instanceof PrsyncError)) return
      const words = error.isSilent ? [] : wordsOf(error, output).trimEnd().split('\n')
      // Behind a remote shell the program says it, when it ends.
      for (const line of [...words, `prsync ${statusWords(error.exitCode)}`])
        if (voice === null) output.log(line)
        else output.error(line)
    },
    ended: (report) => {
      if (report.refusedDeletions > 0) output.error(refusedWords(report.refusedDeletions))
      log?.end(report)
    },
  }
  return serveWire(config, link, words, signal)
}

function wordsOf(error: PrsyncError, output: PeerOutput): string {
  if (error.call === null) return errorWords(error)
  const { before, path, after } = error.call
  return `prsync: [Receiver] ${before} ${output.quoted(path)}${after}`
}

/** --log-file of a server that a remote shell started: it stays open until the process ends. */
function openLog(
  options: Options,
): (Pick<LogTerms, 'format' | 'visitor' | 'root'> & { readonly write: ServerLog }) | null {
  const log = openRunLog(options, 'server', (text) => writeAll(2, bytesOf(`${text}\n`)))
  if (log === null) return null
  return {
    format: options.logFileFormat === '' ? null : options.logFileFormat,
    visitor: null,
    root: '/',
    write: (line) => log.write(escapeName(line, true)),
  }
}
