/**
 * Recorded sessions of rsync 3.5.0 played to our roles, at either end: what ours says is what rsync said, byte for byte but
 * where the protocol leaves a choice. That is: where frames begin; the order of entries in a list, which both ends sort, and
 * with it who is named first; numbers of devices and inodes; sizes of directories; what a compressor makes of the same
 * bytes; figures of the wire and times at the end; and when the end of a list is told beside requests that do not wait for it.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { hexOf } from '../../lib/base/bytes.js'
import { UnsupportedError } from '../../lib/base/errors.js'
import type { WireEntry } from '../../lib/wire/file-entry.js'
import { sortList } from '../../lib/wire/list-order.js'
import { COMPRESSORS } from '../../lib/wire/negotiate.js'
import { has } from '../../lib/wire/terms.js'
import { playEnd } from '../support/play-end.js'
import { contentsOf, makeDestination, makeSource } from '../support/recorded-trees.js'
import { recordedSessions, recordingOf } from '../support/recordings.js'
import { replayLink, scriptOf } from '../support/replay.js'
import { type RecordedSession, readRecording, type Unit } from '../support/rsync-session.js'

for (const name of recordedSessions()) {
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
      // Time that a call of the system took is not waited: then it is over before the second turn.
      let turns = 0
      const timer = setInterval(() => {
        if (++turns === 2) stop.abort(new Error('it waits for ever'))
      }, 10_000)
      t.teardown(() => clearInterval(timer))
      const playing = playEnd(recording, session, ours, home, link, stop.signal)
      const { compressor } = session.terms
      if (compressor !== null && !COMPRESSORS.includes(compressor))
        return void (await t.rejects(playing, UnsupportedError))
      const exit = await playing
      t.equal(exit, 0)
      if (isReceiver && !recording.words.some((word) => /^-\w*n/.test(word)))
        for (const [file, bytes] of contents)
          if (isFile(session, file))
            t.same(readFileSync(`${home}/d/${file}`), Buffer.from(bytes), file)
      const said = link.said
      const again = await readRecording(
        ours === 'client' ? { ...recording, toServer: said } : { ...recording, toClient: said },
      )
      t.same(again.before, session.before)
      const [was, start] =
        ours === 'client'
          ? [recording.toServer, session.before.toServer]
          : [recording.toClient, session.before.toClient]
      t.equal(hexOf(said.subarray(0, start)), hexOf(was.subarray(0, start)), 'the handshake')
      for (const side of ['generator', 'sender'] as const)
        t.same(shown(again, side), shown(session, side), side)
    })
}

function isFile({ lists }: RecordedSession, file: string): boolean {
  return lists.flat().some(({ name, stands }) => name === file && stands.kind === 'file')
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
function inOrder({ lists, generator, terms }: RecordedSession): readonly Unit[] {
  const { units } = generator
  if (!has(terms, 'incremental')) return units
  const ends = units.filter(({ what }) => what === 'done').slice(0, lists.length)
  const starts = lists.map((_, i) => 1 + i + lists.slice(0, i).flat().length)
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
    // Below a test's own folder no name has a `/` before it.
    const isRooted = false
    const here = { dev: 0n, ino: 0n, size: kind === 'directory' ? 0 : size }
    const first = link === null ? null : sorted.find((one) => one.link === link)?.name
    return {
      ...entry,
      isRooted,
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
