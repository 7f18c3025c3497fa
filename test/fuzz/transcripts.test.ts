/**
 * Recorded sessions, changed, played to our roles at either end. Whatever comes, a run ends by itself with a report or an error
 * of ours; it writes nothing outside of its destination, leaves no temporary file, and does not grow. FUZZ_RUNS: so many
 * for each session and end, from the seed FUZZ_SEED.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { PrsyncError } from '../../lib/base/errors.js'
import { COMPRESSORS } from '../../lib/wire/negotiate.js'
import { mutated } from '../support/mutations.js'
import { playEnd } from '../support/play-end.js'
import { contentsOf, makeDestination, makeSource } from '../support/recorded-trees.js'
import { recordedSessions, recordingOf } from '../support/recordings.js'
import { replayLink, scriptOf } from '../support/replay.js'
import { readRecording } from '../support/rsync-session.js'
import { seededRandom } from '../support/seeded-random.js'

const EACH = Number(process.env['FUZZ_RUNS'] ?? (process.env['CI'] === undefined ? 6 : 20))
const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
/** Turns of the event loop that the other end waits for what it was asked in the recording. */
const PATIENCE = 200
const MOST_MS = 20_000
const MOST_BYTES = 300 * 1024 * 1024

for (const name of recordedSessions())
  for (const ours of ['client', 'server'] as const)
    t.test(`${name}, ours is the ${ours}`, async (t) => {
      const recording = recordingOf(name)
      const session = await readRecording(recording)
      // A server's words go over the connection, not to this test's standard error.
      const quiet = { ...recording, words: ['--no-msgs2stderr', ...recording.words] }
      const played = ours === 'server' ? quiet : recording
      const { compressor } = session.terms
      if (compressor !== null && !COMPRESSORS.includes(compressor)) return
      const home = `${t.testdir({})}/in`
      const contents = contentsOf(session)
      const isReceiver = session.isPull === (ours === 'client')
      const before = process.memoryUsage().rss
      for (let i = 0; i < EACH; i++) {
        const seed = SEED * 100_003 + i
        rmSync(home, { recursive: true, force: true })
        mkdirSync(home)
        writeFileSync(`${home}/canary`, 'sings')
        if (isReceiver) makeDestination(`${home}/d`, session, contents)
        else makeSource(`${home}/s`, session, contents)
        const isFramed = ours === 'client' || session.isFramed
        const script = mutated(scriptOf(recording, session, ours), isFramed, seededRandom(seed))
        const stop = new AbortController()
        const timer = setTimeout(() => stop.abort(new Error('it does not end')), MOST_MS)
        const link = replayLink(script, session, ours, PATIENCE)
        try {
          await playEnd(played, session, ours, home, link, stop.signal)
        } catch (error) {
          if (!(error instanceof PrsyncError) || error.exitCode < 1 || error.exitCode > 35)
            t.fail(`seed ${seed}`, { found: error })
        } finally {
          clearTimeout(timer)
        }
        const wrong = lookAround(home, isReceiver ? 'd' : 's')
        if (wrong.length > 0) t.fail(`seed ${seed}`, { found: wrong })
      }
      t.ok(process.memoryUsage().rss - before < MOST_BYTES, 'it does not grow')
    })

/** What should not be there, or is no more. */
function lookAround(home: string, tree: string): string[] {
  const beside = readdirSync(home).filter((name) => name !== tree && name !== 'canary')
  const above = readdirSync(`${home}/..`).filter((name) => name !== 'in')
  const sings = readFileSync(`${home}/canary`, 'latin1') === 'sings'
  const within = lstatSync(`${home}/${tree}`, { throwIfNoEntry: false })?.isDirectory()
    ? readdirSync(`${home}/${tree}`, { recursive: true, encoding: 'latin1' })
    : []
  const left = within.filter((name) => /(^|\/)\.[^/]*\.[A-Za-z0-9]{6}$/.test(name))
  return [...beside, ...above, ...left, ...(sings ? [] : ['the canary is gone'])]
}
