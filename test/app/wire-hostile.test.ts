/** Both roles against a peer that says what it should not: our error, in its time, and nothing half written. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { SourceSide } from '../../lib/app/source-side.js'
import { type SyncEvents, type SyncReport, Troubles } from '../../lib/app/sync-events.js'
import { LOCAL_ACCOUNTS } from '../../lib/app/target-side.js'
import { WireConnection } from '../../lib/app/wire-connection.js'
import { receiveFiles } from '../../lib/app/wire-receiving.js'
import { sendFiles } from '../../lib/app/wire-sending.js'
import { ProtocolError, WireError } from '../../lib/base/errors.js'
import type { Options } from '../../lib/options/options.js'
import { resolveOptions } from '../../lib/options/resolve.js'
import { parseRsyncLine } from '../../lib/options/rsync-line.js'
import { WireReader } from '../../lib/rsync/reader.js'
import { WireWriter } from '../../lib/rsync/writer.js'
import { readItem, writeItem } from '../../lib/wire/item.js'
import { ListEncoder } from '../../lib/wire/list-encoder.js'
import { TAG } from '../../lib/wire/mux.js'
import { NDX, NdxReader, NdxWriter } from '../../lib/wire/ndx.js'
import { NO_SUMS, readSumHead, writeSumHead } from '../../lib/wire/sum-head.js'
import { COMPAT } from '../../lib/wire/terms.js'
import { linkPair } from '../support/links.js'
import { NO_OPTIONS, termsOf, wireEntry } from '../support/wire-entries.js'

const signal = new AbortController().signal
const TERMS = termsOf(32, COMPAT.varFlags | COMPAT.safeList)
const TRANSFER = { iflags: 0x8000, basis: 0x80, xname: null }

function optionsOf(...words: string[]): Options {
  const options = resolveOptions(parseRsyncLine(['-rt', ...words]).flags, {}, new Date())
  return { ...options, wholeFile: false }
}

/** What happened, by name. */
function listening(): { events: SyncEvents; seen: string[] } {
  const seen: string[] = []
  const events = new Proxy({} as SyncEvents, {
    get: (_, name) => () => {
      seen.push(String(name))
    },
  })
  return { events, seen }
}

class Peer {
  readonly reader: WireReader
  readonly writer: WireWriter
  readonly numbers = new NdxWriter(TERMS.protocol)
  readonly asked = new NdxReader(TERMS.protocol)

  constructor(link: ConstructorParameters<typeof WireWriter>[0]) {
    this.writer = new WireWriter(link, signal)
    this.reader = new WireReader(
      link,
      signal,
      () => {},
      () => this.writer.flush(),
    )
    this.writer.startFrames()
    this.reader.startFrames()
  }
  put(number: number): this {
    this.numbers.write(this.writer.data, number)
    return this
  }
  async next(): Promise<number> {
    return this.reader.decode((c) => this.asked.read(c))
  }
  /** Whatever is asked for that is no file is echoed. @returns the file's number */
  async fileAskedFor(): Promise<number> {
    for (;;) {
      const number = await this.next()
      const item = await this.reader.decode((c) => readItem(c, 32))
      if ((item.iflags & 0x8000) !== 0) {
        await this.reader.decode((c) => readSumHead(c, 32, 16))
        return number
      }
      this.put(number)
      writeItem(this.writer.data, item, 32)
    }
  }
  /** An answer with these bytes. */
  answer(number: number, text: string, digest: Uint8Array): void {
    const { data } = this.writer
    this.put(number)
    writeItem(data, TRANSFER, 32)
    writeSumHead(data, NO_SUMS)
    data.i32le(text.length)
    data.latin1(text)
    data.i32le(0)
    data.put(digest)
  }
}

function joined(said: () => void): { connection: WireConnection; peer: Peer } {
  const [ours, theirs] = linkPair()
  const connection = new WireConnection(ours, 0, signal, said)
  connection.reader.startFrames()
  connection.writer.startFrames()
  return { connection, peer: new Peer(theirs) }
}

/** We receive `.` and `f` into `home/d` from a sender that follows the script. */
async function receiving(
  home: string,
  script: (peer: Peer) => Promise<void>,
): Promise<{ report: SyncReport; seen: string[] }> {
  mkdirSync(`${home}/d`, { recursive: true })
  const { events, seen } = listening()
  const { connection, peer } = joined(() => {})
  const encoder = new ListEncoder(TERMS, NO_OPTIONS)
  encoder.begin(0)
  encoder.entry(peer.writer.data, { ...wireEntry('.', 'directory'), mode: 0o755 })
  encoder.entry(peer.writer.data, wireEntry('f', 'file'))
  encoder.end(peer.writer.data, 0)
  encoder.idLists(peer.writer.data, { user: () => null, group: () => null })
  await peer.writer.flush()
  const scripted = script(peer).catch(() => {})
  try {
    const report = await receiveFiles({
      connection,
      terms: TERMS,
      options: optionsOf(),
      destination: `${home}/d`,
      filters: [],
      trusted: (path) => path,
      troubles: new Troubles(events),
      accounts: LOCAL_ACCOUNTS,
      isServer: false,
      charset: null,
      isReplay: false,
      asked: null,
      events,
    })
    await scripted
    return { report, seen }
  } finally {
    connection.close()
    await connection.link.close()
  }
}

t.test('a sender that answers what was not asked for', async (t) => {
  const home = t.testdir()
  const bad: readonly (readonly [string, (peer: Peer, number: number) => void])[] = [
    ['another entry', (peer, number) => peer.answer(number + 7, 'x', new Uint8Array(16))],
    [
      'other blocks',
      (peer, number) => {
        peer.put(number)
        writeItem(peer.writer.data, TRANSFER, 32)
        writeSumHead(peer.writer.data, { count: 1, blockLength: 700, sumLength: 2, remainder: 0 })
      },
    ],
  ]
  for (const [what, act] of bad)
    await t.rejects(
      receiving(home, async (peer) => {
        act(peer, await peer.fileAskedFor())
        await peer.writer.flush()
      }),
      ProtocolError,
      what,
    )
  await t.rejects(
    receiving(home, async (peer) => {
      const { data } = peer.writer
      peer.put(await peer.fileAskedFor())
      writeItem(data, TRANSFER, 32)
      writeSumHead(data, NO_SUMS)
      data.i32le(-1)
      await peer.writer.flush()
    }),
    WireError,
    'a block of a file that is not there',
  )
  t.same(readdirSync(`${home}/d`), [], 'nothing is left of it')
})

t.test('a file whose sum is wrong twice does not stand', async (t) => {
  const home = t.testdir()
  const { report, seen } = await receiving(home, async (peer) => {
    peer.answer(await peer.fileAskedFor(), 'lies', new Uint8Array(16))
    t.equal(await peer.next(), NDX.done)
    await peer.put(NDX.done).writer.flush()
    peer.answer(await peer.fileAskedFor(), 'more', new Uint8Array(16))
    for (let phase = 2; phase <= 3; phase++) {
      t.equal(await peer.next(), NDX.done)
      peer.put(NDX.done)
    }
    peer.writer.data.put(new Uint8Array(15))
    t.equal(await peer.next(), NDX.done)
    await peer.put(NDX.done).writer.flush()
    t.equal(await peer.next(), NDX.done)
  })
  t.equal(report.exit, 23)
  t.equal(seen.filter((name) => name === 'mismatch').length, 2)
  t.same(readdirSync(`${home}/d`), [])
})

/** We send `home/s` to a receiver that follows the script. */
async function sending(
  home: string,
  words: readonly string[],
  script: (peer: Peer) => Promise<void>,
): Promise<SyncReport> {
  mkdirSync(`${home}/s`, { recursive: true })
  writeFileSync(`${home}/s/f`, 'hello')
  const { events } = listening()
  const { connection, peer } = joined(() => {})
  const options = optionsOf('--no-inc-recursive', ...words)
  const troubles = new Troubles(events)
  const trusted = (path: string): string => path
  const source = new SourceSide({ options, sources: [`${home}/s/`], trusted, troubles, events })
  const list = source.list(source.places(), [])
  const scripted = script(peer).catch(() => {})
  try {
    const isServer = false
    const shown = {
      troubles,
      accounts: LOCAL_ACCOUNTS,
      isServer,
      events,
      charset: null,
      recording: null,
    }
    const parts = { connection, terms: TERMS, options, source, list, ...shown }
    const report = await sendFiles(parts)
    await scripted
    return report
  } finally {
    source.close()
    connection.close()
    await connection.link.close()
  }
}
/** The list is left unread: only requests matter. */
function ask(peer: Peer, number: number): void {
  peer.put(number)
  writeItem(peer.writer.data, TRANSFER, 32)
}

t.test('a receiver that asks for what it was not offered', async (t) => {
  const home = t.testdir()
  const asking = (act: (peer: Peer) => void): Promise<SyncReport> =>
    sending(home, [], async (peer) => {
      act(peer)
      await peer.writer.flush()
    })
  await t.rejects(
    asking((peer) => ask(peer, 99)),
    ProtocolError,
    'an entry beyond the list',
  )
  await t.rejects(
    asking((peer) => {
      ask(peer, 0)
      writeSumHead(peer.writer.data, NO_SUMS)
    }),
    ProtocolError,
    'the bytes of a directory',
  )
  for (const head of [
    { count: 2 ** 30, blockLength: 700, sumLength: 16, remainder: 0 },
    { count: 1, blockLength: 0, sumLength: 2, remainder: 0 },
    { count: 1, blockLength: 700, sumLength: 17, remainder: 0 },
    { count: 1, blockLength: 700, sumLength: 2, remainder: 701 },
  ])
    await t.rejects(
      asking((peer) => {
        ask(peer, 1)
        writeSumHead(peer.writer.data, head)
      }),
      WireError,
      JSON.stringify(head),
    )
})

t.test('a source goes once, and only if it is a file of the list', async (t) => {
  const home = t.testdir()
  const report = await sending(home, ['--remove-source-files'], async (peer) => {
    for (const number of [0, 1, 1, 42]) peer.writer.number(TAG.success, number)
    for (let phase = 0; phase < 5; phase++) peer.put(NDX.done)
    await peer.writer.drain()
  })
  t.equal(report.exit, 0)
  t.ok(existsSync(`${home}/s`))
  t.notOk(existsSync(`${home}/s/f`))
})
