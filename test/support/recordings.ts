/** The files of recorded sessions: what passed each way, and what was asked of the server. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Cursor } from '../../lib/base/bytes.js'
import { projectFile } from './project.js'
import { readDialogue } from './rsync-handshake.js'

/** What passed behind a daemon's dialogue, if there was one. */
export type Recording = {
  /** Of the server, behind its name. */
  readonly words: readonly string[]
  readonly isDaemon: boolean
  readonly toServer: Uint8Array
  readonly toClient: Uint8Array
}

export function recordingOf(name: string): Recording {
  const file = (part: string): Buffer =>
    readFileSync(projectFile(`fixtures/transcripts/${name}/${part}`))
  const [toServer, toClient] = [file('to-server.bin'), file('to-client.bin')]
  const words = file('cmd').toString().trim().split(/\s+/)
  if (!words.includes('--daemon'))
    return { words: words.slice(1), isDaemon: false, toServer, toClient }
  const [server, client] = [new Cursor(toServer), new Cursor(toClient)]
  const dialogue = readDialogue(server, client)
  return {
    words: dialogue.words,
    isDaemon: true,
    toServer: toServer.subarray(server.pos),
    toClient: toClient.subarray(client.pos),
  }
}
/** Those that come as far as a server's words; of the others there is only a daemon's dialogue. */
export function recordedSessions(): string[] {
  return readdirSync(projectFile('fixtures/transcripts/'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => existsSync(projectFile(`fixtures/transcripts/${name}/cmd`)))
}

/** What stood at the destination as `delta`. */
export const BASIS_OF_DELTA: Uint8Array = readFileSync(
  projectFile('fixtures/transcripts/basis-of-delta'),
)
