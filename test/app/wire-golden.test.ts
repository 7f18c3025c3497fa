/**
 * Recorded sessions of rsync 3.5.0 played to our roles, at either end: what ours says is what rsync said, byte for byte but
 * where the protocol leaves a choice. That is: where frames begin; the order of entries in a list, which both ends sort, and
 * with it who is named first; numbers of devices and inodes; sizes of directories; what a compressor makes of the same
 * bytes; figures of the wire and times at the end; and when the end of a list is told beside requests that do not wait for it.
 */
import assert from 'node:assert/strict'
import t from 'tap'
import { hexOf } from '../../lib/base/bytes.js'
import type { WireEntry } from '../../lib/wire/file-entry.js'
import { sortList } from '../../lib/wire/list-order.js'
import { has } from '../../lib/wire/terms.js'
import { contentsOf, makeDestination, makeSource } from '../support/recorded-trees.js'
import { type Recording, recordedSessions, recordingOf } from '../support/recordings.js'
import {
  clientOptions,
  clientWords,
  type Ours,
  playClient,
  playServer,
  replayLink,
  scriptOf,
} from '../support/replay.js'
import { type RecordedSession, readRecording, type Unit } from '../support/rsync-session.js'

for (const name of recordedSessions().filter((n) => n.includes(process.env['ONLY'] ?? ''))) {
  const recording = recordingOf(name)
  for (const ours of ['client', 'server'] as const)
    t.test(`${name}: ours is the ${ours}`, async (t) => {
      const session = await readRecording(recording)
      const isReceiver = session.isPull === (ours === 'client')
      const home = t.testdir({ s: {}, d: {} })
      const contents = contentsOf(session)
      if (isReceiver) makeDestination(`${home}/d`, session, contents)
      else makeSource(`${home}/s`, session, contents)
      const link = replayLink(scriptOf(recording, session, ours), session, ours)
      const stop = new AbortController()
      const timer = setInterval(() => stop.abort(new Error('it waits for ever')), 10_000)
      t.teardown(() => clearInterval(timer))
      const exit = await play(recording, session, ours, home, link, stop.signal)
      t.equal(exit, 0)
      const said = link.said
      if (process.env['SHOW']) console.error(hexOf(said))
      const again = await readRecording(
        ours === 'client' ? { ...recording, toServer: said } : { ...recording, toClient: said },
      )
      t.same(again.before, session.before)
      for (const side of ['generator', 'sender'] as const)
        t.same(shown(again, side), shown(session, side), side)
    })
}

async function play(
  recording: Recording,
  session: RecordedSession,
  ours: Ours,
  home: string,
  link: ReturnType<typeof replayLink>,
  signal: AbortSignal,
): Promise<number> {
  const { isPull } = session
  const isReceiver = isPull === (ours === 'client')
  const isTree = session.lists[0]?.some(({ name }) => name === '.') ?? false
  const path = isReceiver ? `${home}/d/` : isTree ? `${home}/s/` : `${home}/s/f`
  if (ours === 'server') return playServer(link, recording, [path], signal)
  const options = clientOptions(clientWords(recording, session))
  const paths = recording.words.slice(recording.words.indexOf('.') + 1)
  const there = { kind: 'shell', user: null, host: 'h', port: null, paths } as const
  const places = isPull
    ? ({ kind: 'pull', from: there, destination: path } as const)
    : ({ kind: 'push', sources: [path], to: there } as const)
  const { exit } = await playClient(link, options, places, recording.isDaemon, signal)
  return exit
}

/** All that a role says, where the protocol leaves it no choice. */
function shown(session: RecordedSession, side: 'generator' | 'sender'): unknown[] {
  const { data, units } = session[side]
  const { terms, answers, size } = session
  const lists = session.lists.values()
  const entries = answers.values()
  const words = side === 'generator' ? inOrder(session) : units
  return words.map(({ what, from, to }) => {
    const bytes = hexOf(data.subarray(from, to))
    if (what.startsWith('list')) return [what, listed(lists.next().value ?? [], session)]
    if (what === 'ids') return [what, namesIn(session)]
    if (what === 'statistics') return [what, size]
    if (side === 'generator' || !what.startsWith('entry')) return [what, bytes]
    const answer = entries.next().value
    return terms.compressor === null ? [what, bytes] : [what, answer]
  })
}

/** Ends of lists where they cannot be told later; that they are not told too early is seen to here. */
function inOrder({ lists, numbers, generator, terms }: RecordedSession): readonly Unit[] {
  const { units } = generator
  if (!has(terms, 'incremental')) return units
  const ends = units.filter(({ what }) => what === 'done').slice(0, lists.length)
  const starts = lists.map((list) => Math.min(...list.map(({ name }) => numbers.get(name) ?? 0)))
  for (const [list, end] of ends.entries())
    for (const { what } of units.slice(units.indexOf(end)))
      if (what.startsWith('entry'))
        assert.ok(Number(what.slice(6)) >= (starts[list + 1] ?? 0) - 1, `${what} after its list`)
  const rest = units.filter((unit) => !ends.includes(unit))
  const last = rest.findLastIndex(({ what }) => what.startsWith('entry')) + 1
  return [...rest.slice(0, last), ...ends, ...rest.slice(last)]
}

/** Sorted, with what is of that machine alone made equal. */
function listed(entries: readonly WireEntry[], { terms, ids }: RecordedSession): unknown[] {
  const sorted = sortList([...entries], terms.protocol).filter((entry) => entry !== null)
  return sorted.map((entry) => {
    const { stands, link } = entry
    const { kind, uid, gid, size } = stands
    const here = { dev: 0n, ino: 0n, size: kind === 'directory' ? 0 : size }
    const first = link === null ? null : sorted.find((one) => one.link === link)?.name
    return {
      ...entry,
      stands: { ...stands, ...here },
      link: first,
      userName: ids.user(uid),
      groupName: ids.group(gid),
    }
  })
}
function namesIn({ lists, ids }: RecordedSession): string[] {
  const owners = lists.flat().map(({ stands }) => stands)
  const users = owners.map(({ uid }) => `${uid} ${ids.user(uid)}`)
  const groups = owners.map(({ gid }) => `group ${gid} ${ids.group(gid)}`)
  return [...new Set([...users, ...groups])].sort()
}
