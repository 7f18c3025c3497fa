/** A recorded session, both directions, as the codecs of lib/wire read it. What is read is written again and must be the same bytes. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Cursor, joined, latin1Of, Writer } from '../../lib/base/bytes.js'
import type { FilterRule } from '../../lib/flist/filter.js'
import { CHECKSUM_BYTES, openChecksum } from '../../lib/hash/checksum.js'
import type { IdLookup, WireEntry } from '../../lib/wire/file-entry.js'
import { hasFilterList, readFilterList, writeFilterList } from '../../lib/wire/filter-list.js'
import { readShort, readVarint, readVarlong30, readVstring } from '../../lib/wire/ints.js'
import { ListDecoder } from '../../lib/wire/list-decoder.js'
import { ListEncoder } from '../../lib/wire/list-encoder.js'
import { sortList } from '../../lib/wire/list-order.js'
import { directoryOfNdx, NDX, NdxReader, NdxWriter } from '../../lib/wire/ndx.js'
import { has, type ListOptions, type Terms } from '../../lib/wire/terms.js'
import type { TokenDecoder } from '../../lib/wire/token.js'
import { PieceDecoder } from '../../lib/wire/token-pieces.js'
import { COMPRESSORS, openTokenDecoder } from '../../lib/wire/tokens.js'
import { projectFile } from './project.js'
import {
  type Arguments,
  argumentsOf,
  negotiated,
  readDialogue,
  unframed,
} from './rsync-handshake.js'

export type Item = {
  readonly name: string
  readonly iflags: number
  /** Of the transfer: what the sender sent, in tokens, and whether it gives the file its sum. */
  readonly literalBytes: number
  readonly blocks: number
  readonly isVerified: boolean
}
export type RecordedSession = {
  readonly terms: Terms
  readonly isPull: boolean
  readonly filters: readonly FilterRule[]
  /** In order of their numbers. */
  readonly lists: readonly (readonly WireEntry[])[]
  readonly ids: IdLookup
  readonly answers: readonly Item[]
  /** DONEs: of the generator, of the sender. */
  readonly dones: readonly [number, number]
}

const SUM_HEAD = 16
const TRANSFER = 0x8000
const XATTRS = 0x0100

export async function readSession(name: string): Promise<RecordedSession> {
  const file = (part: string): Buffer =>
    readFileSync(projectFile(`fixtures/transcripts/${name}/${part}`))
  const toServer = new Cursor(file('to-server.bin'))
  const toClient = new Cursor(file('to-client.bin'))
  let words = file('cmd').toString().trim().split(/\s+/)
  let protocol: number
  if (words.includes('--daemon')) {
    const dialogue = readDialogue(toServer, toClient)
    words = dialogue.words
    protocol = 32
  } else protocol = Math.min(toServer.i32le(), toClient.i32le())
  const reader = new SessionReader(argumentsOf(words), protocol, toServer, toClient)
  return reader.read()
}
/** Those that come as far as a server's words; of the others there is only a daemon's dialogue. */
export function recordedSessions(): string[] {
  return readdirSync(projectFile('fixtures/transcripts/'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => existsSync(projectFile(`fixtures/transcripts/${name}/cmd`)))
}

class SessionReader {
  readonly #args: Arguments
  readonly #isPull: boolean
  readonly #isDry: boolean
  readonly #terms: Terms
  readonly #options: ListOptions
  readonly #filters: readonly FilterRule[]
  readonly #generator: Cursor
  readonly #sender: Cursor
  readonly #lists: WireEntry[][] = []
  readonly #byNumber = new Map<number, WireEntry>()
  readonly #decoder: ListDecoder
  readonly #encoder: ListEncoder
  readonly #answers: Item[] = []
  #start: number

  constructor(args: Arguments, protocol: number, toServer: Cursor, toClient: Cursor) {
    this.#args = args
    const { letters } = args
    const option = (letter: string): boolean => letters.includes(letter)
    this.#isPull = args.has('--sender')
    this.#isDry = option('n')
    const compat = protocol >= 30 ? readVarint(toClient) : 0
    const { checksum, compressor } = negotiated(args, protocol, compat, toServer, toClient)
    const seed = toClient.i32le()
    this.#terms = { protocol, compat, seed, checksum, listChecksum: checksum, compressor }
    this.#options = {
      relative: option('R'),
      links: option('l'),
      hardLinks: option('H'),
      owner: option('o'),
      group: option('g'),
      devices: option('D'),
      specials: option('D') && !args.has('--no-specials'),
      atimes: option('U'),
      checksum: option('c'),
      acls: option('A'),
      xattrs: option('X'),
      numericIds: args.has('--numeric-ids'),
    }
    const isFramed = protocol >= 30 || (this.#isPull && args.has('--remove-source-files'))
    const client = isFramed ? new Cursor(unframed(toServer)) : toServer
    const server = new Cursor(unframed(toClient))
    this.#filters = this.#readFilters(client)
    this.#generator = this.#isPull ? client : server
    this.#sender = this.#isPull ? server : client
    this.#decoder = new ListDecoder(this.#terms, this.#options)
    const names: IdLookup = {
      user: (id) => this.#decoder.ids.users.get(id) ?? null,
      group: (id) => this.#decoder.ids.groups.get(id) ?? null,
    }
    this.#encoder = new ListEncoder(this.#terms, this.#options, names)
    this.#start = has(this.#terms, 'incremental') ? 1 : 0
  }

  async read(): Promise<RecordedSession> {
    const { protocol } = this.#terms
    this.#readList()
    if (!has(this.#terms, 'incremental')) this.#readIds()
    const sent = await this.#readSender()
    const asked = this.#readGenerator()
    if (this.#isPull)
      for (let i = protocol >= 29 ? 5 : 3; i > 0; i--) readVarlong30(this.#sender, 3, protocol)
    const goodbye = protocol >= 31 ? sent.goodbye() : 0
    assert.equal(this.#sender.left, 0, 'every byte of the sender is read')
    assert.equal(this.#generator.left, 0, 'every byte of the generator is read')
    return {
      terms: this.#terms,
      isPull: this.#isPull,
      filters: this.#filters,
      lists: this.#lists,
      ids: {
        user: (id) => this.#decoder.ids.users.get(id) ?? null,
        group: (id) => this.#decoder.ids.groups.get(id) ?? null,
      },
      answers: this.#answers,
      dones: [asked, sent.dones + goodbye],
    }
  }

  #readFilters(client: Cursor): readonly FilterRule[] {
    const { has: given, letters, words } = this.#args
    const isListed = hasFilterList({
      protocol: this.#terms.protocol,
      isPush: !this.#isPull,
      deletes: words.some((word) => word.startsWith('--delete')),
      deleteExcluded: given('--delete-excluded'),
      pruneEmptyDirs: letters.includes('m'),
    })
    if (!isListed) return []
    return same(
      client,
      () => readFilterList(client, this.#terms.protocol),
      (w, rules) => {
        writeFilterList(w, rules, this.#terms.protocol)
      },
    )
  }

  #readList(): void {
    const entries: WireEntry[] = []
    const from = this.#sender.pos
    this.#decoder.begin(this.#start)
    for (
      let entry = this.#decoder.read(this.#sender);
      entry !== null;
      entry = this.#decoder.read(this.#sender)
    )
      entries.push(entry)
    const w = new Writer()
    this.#encoder.begin(this.#start)
    for (const entry of entries) this.#encoder.entry(w, entry)
    this.#encoder.end(w, this.#decoder.ioError)
    assert.deepEqual(
      hex(w.done()),
      hex(this.#sender.bytes.subarray(from, this.#sender.pos)),
      'the list as it came',
    )
    this.#lists.push(entries)
    sortList(entries, this.#terms.protocol).forEach((entry, i) => {
      if (entry !== null) this.#byNumber.set(this.#start + i, entry)
    })
    this.#start += entries.length + 1
  }
  #readIds(): void {
    same(
      this.#sender,
      () => this.#decoder.readIdLists(this.#sender),
      (w, ids) => {
        this.#encoder.idLists(w, {
          user: (id) => ids.users.get(id) ?? null,
          group: (id) => ids.groups.get(id) ?? null,
        })
      },
    )
  }

  /** An item's beginning, of either direction. */
  #readAttributes(c: Cursor): { iflags: number } {
    if (this.#terms.protocol < 29) return { iflags: TRANSFER }
    const iflags = readShort(c)
    if (iflags & 0x0800) c.u8()
    if (iflags & 0x1000) readVstring(c)
    return { iflags }
  }
  #hasXattrs(iflags: number): boolean {
    const isSkipped =
      this.#terms.protocol >= 31 &&
      !has(this.#terms, 'avoidXattrOptimization') &&
      (iflags & 0x5000) === 0x5000
    return this.#options.xattrs && (iflags & XATTRS) !== 0 && !this.#isDry && !isSkipped
  }

  #readGenerator(): number {
    const c = this.#generator
    const ndx = new CheckedNdx(this.#terms.protocol)
    let dones = 0
    while (c.left > 0) {
      const number = ndx.read(c)
      if (number === NDX.done) dones++
      else if (number === NDX.deleteStats) for (let i = 0; i < 5; i++) readVarint(c)
      else {
        const { iflags } = this.#readAttributes(c)
        if (this.#hasXattrs(iflags)) while (readVarint(c) !== 0);
        if (!(iflags & TRANSFER) || this.#isDry) continue
        const [count = 0, , sumLength = 0] = sumHead(c)
        c.take(count * (4 + sumLength))
      }
    }
    return dones
  }

  async #readSender(): Promise<{ dones: number; goodbye: () => number }> {
    const { protocol } = this.#terms
    const c = this.#sender
    const ndx = new CheckedNdx(protocol)
    const decoder = decoderOf(this.#terms)
    let dones = 0
    const phases = (): number => (protocol < 29 ? 2 : 3) + this.#lists.length - 1
    while (dones < phases()) {
      const number = ndx.read(c)
      if (number === NDX.done) dones++
      else if (directoryOfNdx(number) !== null) this.#readList()
      else if (number !== NDX.listEnd) {
        const { iflags } = this.#readAttributes(c)
        if (this.#hasXattrs(iflags)) while (readVarint(c) !== 0) c.take(readVarint(c))
        const name = this.#byNumber.get(number)?.name ?? ''
        const item = { name, iflags, literalBytes: 0, blocks: 0, isVerified: false }
        if (iflags & TRANSFER && !this.#isDry)
          this.#answers.push({ ...item, ...(await this.#readTokens(decoder, name)) })
        else this.#answers.push(item)
      }
    }
    return {
      dones,
      goodbye: () => {
        let number = ndx.read(c)
        for (; number === NDX.deleteStats; number = ndx.read(c))
          for (let i = 0; i < 5; i++) readVarint(c)
        assert.equal(number, NDX.done)
        return 1
      },
    }
  }
  async #readTokens(decoder: TokenDecoder, name: string): Promise<Omit<Item, 'name' | 'iflags'>> {
    const c = this.#sender
    const [, blockLength = 0] = sumHead(c)
    const basis = name === 'delta' ? BASIS : new Uint8Array(0)
    const blockOf = (block: number): Uint8Array =>
      basis.subarray(block * blockLength, (block + 1) * blockLength)
    const parts: Uint8Array[] = []
    let literalBytes = 0
    let blocks = 0
    decoder.begin(blockOf)
    const isEnd = decoder.read(c, {
      literal: (bytes, start, end) => {
        parts.push(bytes.slice(start, end))
        literalBytes += end - start
      },
      match: (block) => {
        parts.push(blockOf(block))
        blocks++
      },
    })
    assert.ok(isEnd, 'the tokens end')
    const sum = await openChecksum(this.#terms.checksum, this.#terms.seed)
    sum.start()
    sum.update(joined(parts))
    const digest = c.view(CHECKSUM_BYTES[this.#terms.checksum])
    return { literalBytes, blocks, isVerified: hex(sum.digest()) === hex(digest) }
  }
}

/** Where a machine cannot expand, pieces are passed over. */
function decoderOf(terms: Terms): TokenDecoder {
  const { compressor } = terms
  if (compressor === null || COMPRESSORS.includes(compressor)) return openTokenDecoder(terms)
  const nothing = (): void => undefined
  return new PieceDecoder({
    wantsWhole: false,
    begin: nothing,
    add: nothing,
    finishSegment: nothing,
    matched: nothing,
  })
}

const BASIS = readFileSync(projectFile('fixtures/transcripts/basis-of-delta'))

function sumHead(c: Cursor): number[] {
  const end = c.pos + SUM_HEAD
  const numbers = [c.i32le(), c.i32le(), c.i32le(), c.i32le()]
  assert.equal(c.pos, end)
  return numbers
}

/** What is read is what it was written from. */
class CheckedNdx {
  readonly #reader: NdxReader
  readonly #writer: NdxWriter
  constructor(protocol: number) {
    this.#reader = new NdxReader(protocol)
    this.#writer = new NdxWriter(protocol)
  }
  read(c: Cursor): number {
    return same(
      c,
      () => this.#reader.read(c),
      (w, number) => {
        this.#writer.write(w, number)
      },
    )
  }
}
function same<T>(c: Cursor, read: () => T, write: (w: Writer, value: T) => void): T {
  const from = c.pos
  const value = read()
  const w = new Writer()
  write(w, value)
  assert.equal(hex(w.done()), hex(c.bytes.subarray(from, c.pos)), 'written again')
  return value
}
function hex(bytes: Uint8Array): string {
  return Buffer.from(latin1Of(bytes), 'latin1').toString('hex')
}
