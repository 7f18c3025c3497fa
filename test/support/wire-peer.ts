/** One role of ours against a peer that follows a script, over a link in memory. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { SourceSide } from '../../lib/app/source-side.js'
import { type SyncEvents, type SyncReport, Troubles } from '../../lib/app/sync-events.js'
import { LOCAL_ACCOUNTS } from '../../lib/app/target-side.js'
import { WireConnection } from '../../lib/app/wire-connection.js'
import { receiveFiles } from '../../lib/app/wire-receiving.js'
import { sendFiles } from '../../lib/app/wire-sending.js'
import { listOptions } from '../../lib/app/wire-terms.js'
import type { Link } from '../../lib/host.js'
import type { Options } from '../../lib/options/options.js'
import { resolveOptions } from '../../lib/options/resolve.js'
import { parseRsyncLine } from '../../lib/options/rsync-line.js'
import type { AskedNames } from '../../lib/rsync/asked-names.js'
import { WireReader } from '../../lib/rsync/reader.js'
import { WireWriter } from '../../lib/rsync/writer.js'
import type { WireEntry } from '../../lib/wire/file-entry.js'
import { readItem, writeItem } from '../../lib/wire/item.js'
import { ListEncoder } from '../../lib/wire/list-encoder.js'
import { NdxReader, NdxWriter } from '../../lib/wire/ndx.js'
import { NO_SUMS, readSumHead, writeSumHead } from '../../lib/wire/sum-head.js'
import { COMPAT, type Terms } from '../../lib/wire/terms.js'
import { linkPair } from './links.js'
import { termsOf, wireEntry } from './wire-entries.js'

const signal = new AbortController().signal
const TERMS = termsOf(32, COMPAT.varFlags | COMPAT.safeList)
export const TRANSFER = { iflags: 0x8000, basis: 0x80, xname: null }

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

export class Peer {
  readonly reader: WireReader
  readonly writer: WireWriter
  readonly numbers = new NdxWriter(TERMS.protocol)
  readonly asked = new NdxReader(TERMS.protocol)

  /** Of messages that came. */
  readonly tags: number[] = []
  readonly #link: Link

  constructor(link: Link) {
    this.#link = link
    this.writer = new WireWriter(link, signal)
    this.reader = new WireReader(
      link,
      signal,
      (tag) => this.tags.push(tag),
      () => this.writer.flush(),
    )
    this.writer.startFrames()
    this.reader.startFrames()
  }
  close(): Promise<void> {
    return this.#link.close()
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

export type Offer = {
  readonly entries: readonly WireEntry[]
  /** Options besides -rt. */
  readonly words: readonly string[]
  readonly asked: AskedNames | null
  readonly compressor: Terms['compressor']
  /** Behind the script the sender is gone. */
  readonly closes: boolean
}
const TOP: WireEntry = { ...wireEntry('.', 'directory'), mode: 0o755 }
const ONE_FILE: Offer = {
  entries: [TOP, wireEntry('f', 'file')],
  words: [],
  asked: null,
  compressor: null,
  closes: false,
}

/** We receive `.` and `f`, or what is offered, into `home/d` from a sender that follows the script. */
export async function receiving(
  home: string,
  script: (peer: Peer) => Promise<void>,
  offer: Partial<Offer> = {},
): Promise<{ report: SyncReport; seen: string[] }> {
  const { entries, words, asked, compressor, closes } = { ...ONE_FILE, ...offer }
  const terms = { ...TERMS, compressor }
  const options = optionsOf(...words)
  mkdirSync(`${home}/d`, { recursive: true })
  const { events, seen } = listening()
  const { connection, peer } = joined(() => {})
  const encoder = new ListEncoder(terms, listOptions(options))
  encoder.begin(0)
  for (const entry of entries) encoder.entry(peer.writer.data, entry)
  encoder.end(peer.writer.data, 0)
  encoder.idLists(peer.writer.data, { user: () => null, group: () => null })
  await peer.writer.flush()
  const scripted = script(peer)
    .catch(() => {})
    .then(() => (closes ? peer.close() : undefined))
  try {
    const report = await receiveFiles({
      connection,
      terms,
      options,
      destination: `${home}/d`,
      filters: [],
      trusted: (path) => path,
      troubles: new Troubles(events),
      accounts: LOCAL_ACCOUNTS,
      isServer: false,
      charset: null,
      isReplay: false,
      asked,
      events,
    })
    await scripted
    return { report, seen }
  } finally {
    connection.close()
    await connection.link.close()
  }
}

/** We send `home/s` to a receiver that follows the script. */
export async function sending(
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
      uplink: null,
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
export function ask(peer: Peer, number: number): void {
  peer.put(number)
  writeItem(peer.writer.data, TRANSFER, 32)
}
