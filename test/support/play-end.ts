/** One end of a recorded session as our program plays it: its command line, its paths, its role. */
import assert from 'node:assert/strict'
import { serverArgs } from '../../lib/wire/server-args.js'
import type { Recording } from './recordings.js'
import {
  clientOptions,
  clientWords,
  type Ours,
  playClient,
  playServer,
  type replayLink,
} from './replay.js'
import type { RecordedSession } from './rsync-session.js'

/** What was asked for with -R, below the root and without it. */
const RELATIVE: readonly string[] = ['/tmp/cap/src/d', '/./x']

/** Our end of a session, with its trees in `home`: `s` if it sends, else `d`. @returns the exit status */
export async function playEnd(
  recording: Recording,
  session: RecordedSession,
  ours: Ours,
  home: string,
  link: ReturnType<typeof replayLink>,
  signal: AbortSignal,
): Promise<number> {
  const {
    isPull,
    terms: { protocol },
  } = session
  const isReceiver = isPull === (ours === 'client')
  const isTree = session.lists[0]?.some(({ name }) => name === '.') ?? false
  const path = isReceiver ? `${home}/d/` : isTree ? `${home}/s/` : `${home}/s/f`
  const isRelative = session.options.relative
  // Not `/././x`, which would name the directory itself as well.
  const named = isRelative ? RELATIVE.map((one) => `${home}/s/.${one.replace('/.', '')}`) : [path]
  if (ours === 'server') return playServer(link, recording, named, signal)
  const asked = recording.words.slice(recording.words.indexOf('.') + 1)
  const options = clientOptions(clientWords(recording, session))
  if (!recording.isDaemon) {
    const call = { isSender: isPull, paths: asked, protocol }
    assert.deepEqual(serverArgs(options, call).shell, recording.words)
  }
  const paths = isRelative ? RELATIVE : asked
  const there = { kind: 'shell', user: null, host: 'h', port: null, paths } as const
  const places = isPull
    ? ({ kind: 'pull', from: there, destination: path } as const)
    : ({ kind: 'push', sources: [path], to: there } as const)
  const { exit } = await playClient(link, options, places, recording.isDaemon, signal)
  return exit
}
