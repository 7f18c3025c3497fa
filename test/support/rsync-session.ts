/** A recorded session, both directions, as the codecs of lib/wire read it. What is read is written again and must be the same bytes. */
import assert from 'node:assert/strict'
import { Cursor, joined, Writer } from '../../lib/base/bytes.js'
import type { FilterRule } from '../../lib/flist/filter.js'
import { CHECKSUM_BYTES, openChecksum } from '../../lib/hash/checksum.js'
import { readStats } from '../../lib/wire/farewell.js'
import type { IdLookup, WireEntry } from '../../lib/wire/file-entry.js'
import { hasFilterList, readFilterList, writeFilterList } from '../../lib/wire/filter-list.js'
import { readShort, readVarint, readVstring } from '../../lib/wire/ints.js'
import { ListDecoder } from '../../lib/wire/list-decoder.js'
import { ListEncoder } from '../../lib/wire/list-encoder.js'
import { sortList } from '../../lib/wire/list-order.js'
import { directoryOfNdx, NDX } from '../../lib/wire/ndx.js'
import { COMPRESSORS } from '../../lib/wire/negotiate.js'
import { has, type ListOptions, type Terms } from '../../lib/wire/terms.js'
import type { TokenDecoder } from '../../lib/wire/token.js'
import { PieceDecoder } from '../../lib/wire/token-pieces.js'
import { openTokenDecoder } from '../../lib/wire/tokens.js'
import { CheckedNdx, hex, same } from './checked-bytes.js'
import { BASIS_OF_DELTA, type Recording, recordingOf } from './recordings.js'
import { type Arguments, argumentsOf, negotiated, unframed } from './rsync-handshake.js'

export type Item = {
  readonly number: number
  readonly name: string
  readonly iflags: number
  /** Of the transfer: what the sender sent, in tokens, and whether it gives the file its sum. */
  readonly literalBytes: number
  readonly blocks: number
  readonly isVerified: boolean
  /** What the tokens make of the basis; null where nothing came, or it cannot be expanded here. */
  readonly bytes: Uint8Array | null
}
/** What one of the roles says at a time, by place in its stream. */
export type Unit = { readonly what: string; readonly from: number; readonly to: number }
/** All that a role says, frames apart. */
export type Said = { readonly data: Uint8Array; readonly units: readonly Unit[] }

export type RecordedSession = {
  readonly terms: Terms
  readonly options: ListOptions
  readonly isPull: boolean
  /** Bytes before the roles begin, and frames if there are any. */
  readonly before: { readonly toServer: number; readonly toClient: number }
  /** Is what the client says in frames? */
  readonly isFramed: boolean
  readonly generator: Said
  readonly sender: Said
  /** The size that the server tells at the end of a pull. */
  readonly size: number | null
  readonly filters: readonly FilterRule[]
  /** Under which entries are asked for: a directory under the one before its list, where lists come apart. */
  readonly numbers: ReadonlyMap<string, number>
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

export function readSession(name: string): Promise<RecordedSession> {
  return readRecording(recordingOf(name))
}
export async function readRecording(recording: Recording): Promise<RecordedSession> {
  const toServer = new Cursor(recording.toServer)
  const toClient = new Cursor(recording.toClient)
  const protocol = recording.isDaemon ? 32 : Math.min(toServer.i32le(), toClient.i32le())
  const reader = new SessionReader(argumentsOf(recording.words), protocol, toServer, toClient)
  return reader.read()
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
  readonly #directories: WireEntry[] = []
  readonly #byNumber = new Map<number, WireEntry>()
  readonly #decoder: ListDecoder
  readonly #encoder: ListEncoder
  readonly #answers: Item[] = []
  readonly #before: { readonly toServer: number; readonly toClient: number }
  readonly #isFramed: boolean
  readonly #units = { generator: [] as Unit[], sender: [] as Unit[] }
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
      recursive: true,
    }
    const isFramed = protocol >= 30 || (this.#isPull && args.has('--remove-source-files'))
    this.#before = { toServer: toServer.pos, toClient: toClient.pos }
    this.#isFramed = isFramed
    const client = new Cursor(isFramed ? unframed(toServer) : toServer.view(toServer.left))
    const server = new Cursor(unframed(toClient))
    this.#generator = this.#isPull ? client : server
    this.#sender = this.#isPull ? server : client
    this.#filters = this.#readFilters(client)
    if (client.pos > 0)
      this.#units[this.#isPull ? 'generator' : 'sender'].push({
        what: 'filters',
        from: 0,
        to: client.pos,
      })
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
    const from = this.#sender.pos
    this.#readList(-1)
    this.#unit('sender', 'list', from)
    if (!has(this.#terms, 'incremental')) this.#readIds()
    const sent = await this.#readSender()
    const asked = this.#readGenerator()
    let size: number | null = null
    if (this.#isPull) {
      const from = this.#sender.pos
      size = readStats(this.#sender, protocol).size
      this.#unit('sender', 'statistics', from)
    }
    const goodbye = protocol >= 31 ? sent.goodbye() : 0
    assert.equal(this.#sender.left, 0, 'every byte of the sender is read')
    assert.equal(this.#generator.left, 0, 'every byte of the generator is read')
    return {
      terms: this.#terms,
      options: this.#options,
      isPull: this.#isPull,
      before: this.#before,
      isFramed: this.#isFramed,
      generator: { data: this.#generator.bytes, units: this.#units.generator },
      sender: { data: this.#sender.bytes, units: this.#units.sender },
      size,
      filters: this.#filters,
      numbers: new Map([...this.#byNumber].map(([number, { name }]) => [name, number])),
      lists: this.#lists,
      ids: {
        user: (id) => this.#decoder.ids.users.get(id) ?? null,
        group: (id) => this.#decoder.ids.groups.get(id) ?? null,
      },
      answers: this.#answers,
      dones: [asked, sent.dones + goodbye],
    }
  }

  #unit(side: 'generator' | 'sender', what: string, from: number): void {
    const to = (side === 'generator' ? this.#generator : this.#sender).pos
    this.#units[side].push({ what, from, to })
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

  #readList(directory: number): void {
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
    const isIncremental = has(this.#terms, 'incremental')
    const own = isIncremental ? this.#directories[directory] : undefined
    if (own !== undefined) this.#byNumber.set(this.#start - 1, own)
    sortList(entries, this.#terms.protocol).forEach((entry, i) => {
      if (entry === null) return
      const isOwn = isIncremental && entry.stands.kind === 'directory'
      if (isOwn) this.#directories.push(entry)
      else this.#byNumber.set(this.#start + i, entry)
      if (entry.name === '.' && isOwn) this.#byNumber.set(this.#start - 1, entry)
    })
    this.#start += entries.length + 1
  }
  #readIds(): void {
    const from = this.#sender.pos
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
    this.#unit('sender', 'ids', from)
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
      const from = c.pos
      const number = ndx.read(c)
      if (number === NDX.done) dones++
      else if (number === NDX.deleteStats) for (let i = 0; i < 5; i++) readVarint(c)
      else {
        const { iflags } = this.#readAttributes(c)
        if (this.#hasXattrs(iflags)) while (readVarint(c) !== 0);
        if (iflags & TRANSFER && !this.#isDry) {
          const [count = 0, , sumLength = 0] = sumHead(c)
          c.take(count * (4 + sumLength))
        }
      }
      this.#unit('generator', whatIs(number), from)
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
      const from = c.pos
      const number = ndx.read(c)
      if (number === NDX.done) dones++
      else if (directoryOfNdx(number) !== null) this.#readList(directoryOfNdx(number) ?? -1)
      else if (number !== NDX.listEnd) {
        const { iflags } = this.#readAttributes(c)
        if (this.#hasXattrs(iflags)) while (readVarint(c) !== 0) c.take(readVarint(c))
        const name = this.#byNumber.get(number)?.name ?? ''
        const item = {
          number,
          name,
          iflags,
          literalBytes: 0,
          blocks: 0,
          isVerified: false,
          bytes: null,
        }
        if (iflags & TRANSFER && !this.#isDry)
          this.#answers.push({ ...item, ...(await this.#readTokens(decoder, name)) })
        else this.#answers.push(item)
      }
      this.#unit('sender', whatIs(number), from)
    }
    return {
      dones,
      goodbye: () => {
        for (;;) {
          const from = c.pos
          const number = ndx.read(c)
          if (number === NDX.deleteStats) for (let i = 0; i < 5; i++) readVarint(c)
          this.#unit('sender', whatIs(number), from)
          if (number === NDX.done) return 1
          assert.equal(number, NDX.deleteStats)
        }
      },
    }
  }
  async #readTokens(
    decoder: TokenDecoder,
    name: string,
  ): Promise<Omit<Item, 'number' | 'name' | 'iflags'>> {
    const c = this.#sender
    const [, blockLength = 0] = sumHead(c)
    const basis = name === 'delta' ? BASIS_OF_DELTA : new Uint8Array(0)
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
    const bytes = joined(parts)
    sum.start()
    sum.update(bytes)
    const digest = c.view(CHECKSUM_BYTES[this.#terms.checksum])
    const isVerified = hex(sum.digest()) === hex(digest)
    return { literalBytes, blocks, isVerified, bytes: isVerified ? bytes : null }
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

/** What an index on the wire means. */
function whatIs(number: number): string {
  if (number === NDX.done) return 'done'
  if (number === NDX.listEnd) return 'end of lists'
  if (number === NDX.deleteStats) return 'deletions'
  const directory = directoryOfNdx(number)
  return directory === null ? `entry ${number}` : `list of ${directory}`
}

function sumHead(c: Cursor): number[] {
  const end = c.pos + SUM_HEAD
  const numbers = [c.i32le(), c.i32le(), c.i32le(), c.i32le()]
  assert.equal(c.pos, end)
  return numbers
}
