/** A sender that adds names: to what was asked for, and what our own rules exclude. CVE-2022-29154. */
import { readdirSync } from 'node:fs'
import t from 'tap'
import { UnsupportedError } from '../../lib/base/errors.js'
import { recordingOf } from '../support/recordings.js'
import { clientOptions, clientWords, playClient, replayLink, scriptOf } from '../support/replay.js'
import { readRecording } from '../support/rsync-session.js'

/** rsync's recorded sender, to a client that asked for something else. @param paths that it asked for */
async function pull(
  name: string,
  home: string,
  paths: readonly string[],
  words: readonly string[],
): Promise<number> {
  const recording = recordingOf(name)
  const session = await readRecording(recording)
  const options = clientOptions([...clientWords(recording, session), '--no-o', '--no-g', ...words])
  const from = { kind: 'shell', user: null, host: 'h', port: null, paths } as const
  const link = replayLink(scriptOf(recording, session, 'client'), session, 'client', 200)
  const places = { kind: 'pull', from, destination: `${home}/` } as const
  const { exit } = await playClient(link, options, places, false, new AbortController().signal)
  return exit
}

t.test('names that were not asked for', async (t) => {
  const home = t.testdir()
  await t.rejects(
    pull('tiny-32-pull', home, ['src/other'], []),
    new UnsupportedError('rejecting unrequested file-list name: f; see --trust-sender'),
  )
  t.same(readdirSync(home), [])
})

t.test('names that were excluded', async (t) => {
  const home = t.testdir()
  await t.rejects(
    pull('tiny-32-pull', home, ['src/'], ['--exclude=f']),
    new UnsupportedError('rejecting excluded file-list name: f; see --trust-sender'),
  )
  t.same(readdirSync(home), [])
  t.equal(await pull('tiny-32-pull', home, ['src/'], ['--exclude=f', '--trust-sender']), 0)
  t.same(readdirSync(home), ['f'])
})
