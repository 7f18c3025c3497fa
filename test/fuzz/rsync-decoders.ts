/** The decoders of rsync's wire for the fuzz table. The first bytes of an input choose the terms of the connection. */
import assert from 'node:assert/strict'
import { nameFault } from '../../lib/base/byte-name.js'
import { Cursor, joined, Writer } from '../../lib/base/bytes.js'
import { mapAclIds } from '../../lib/flist/posix-acl.js'
import type { WireEntry } from '../../lib/wire/file-entry.js'
import { readFilterList, writeFilterList } from '../../lib/wire/filter-list.js'
import * as ints from '../../lib/wire/ints.js'
import { ListDecoder } from '../../lib/wire/list-decoder.js'
import { ListEncoder } from '../../lib/wire/list-encoder.js'
import { sortList } from '../../lib/wire/list-order.js'
import { NdxReader } from '../../lib/wire/ndx.js'
import { COMPRESSORS } from '../../lib/wire/negotiate.js'
import { COMPAT, has, type ListOptions, type Terms } from '../../lib/wire/terms.js'
import { openTokenDecoder, openTokenEncoder } from '../../lib/wire/tokens.js'
import { NO_OPTIONS, termsOf, wireEntry } from '../support/wire-entries.js'
import type { Decoder } from './decoder.js'

const OPTIONS = Object.keys(NO_OPTIONS)
const COMPATS = [
  0,
  0xff,
  0xff & ~COMPAT.incremental,
  COMPAT.incremental,
  COMPAT.safeList | COMPAT.id0Names,
]

/** Four bytes: protocol, compatibility flags, and twelve options in two. */
function sessionOf(c: Cursor): { terms: Terms; options: ListOptions } {
  const protocol = 27 + (c.u8() % 6)
  const compat = COMPATS[c.u8() % COMPATS.length] ?? 0
  const bits = c.u8() | (c.u8() << 8)
  const on = (name: string): boolean => (bits & (1 << OPTIONS.indexOf(name))) !== 0
  const options: ListOptions = {
    relative: on('relative'),
    links: on('links'),
    hardLinks: on('hardLinks'),
    owner: on('owner'),
    group: on('group'),
    devices: on('devices'),
    specials: on('specials'),
    atimes: on('atimes'),
    checksum: on('checksum'),
    acls: on('acls') && protocol >= 30,
    xattrs: on('xattrs') && protocol >= 30,
    numericIds: on('numericIds'),
    recursive: true,
  }
  return { terms: termsOf(protocol, protocol < 30 ? 0 : compat), options }
}

/** Lists up to the end of the input, of which each ends. */
function decodeLists(bytes: Uint8Array): void {
  const c = new Cursor(bytes)
  const { terms, options } = sessionOf(c)
  const decoder = new ListDecoder(terms, options)
  let start = 1
  do {
    decoder.begin(start)
    const entries: WireEntry[] = []
    for (let entry = decoder.read(c); entry !== null; entry = decoder.read(c)) entries.push(entry)
    for (const { name, xattrs } of entries) {
      assert.ok(name === '.' || nameFault(name) === null, 'a name that may be used')
      for (const { name, value } of xattrs)
        if (name.startsWith('system.'))
          mapAclIds(
            value ?? '',
            (id) => id,
            (id) => id,
          )
    }
    assert.equal(sortList(entries, terms.protocol).length, entries.length)
    start += entries.length + 1
    if (!has(terms, 'incremental')) {
      decoder.readIdLists(c)
      return
    }
  } while (c.left > 0)
}

function listSeed(head: readonly [number, number, number, number]): Uint8Array {
  const start = Uint8Array.from(head)
  const { terms, options } = sessionOf(new Cursor(start))
  const encoder = new ListEncoder(terms, options)
  const w = new Writer()
  const acl =
    '\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x02\0\x06\0\x01\0\0\0\x04\0\x04\0\xff\xff\xff\xff\x10\0\x06\0\xff\xff\xff\xff\x20\0\x04\0\xff\xff\xff\xff'
  const xattrs = [
    { name: 'user.a', value: 'abc', length: 3, digest: '' },
    { name: 'user.b', value: 'x'.repeat(40), length: 40, digest: '' },
    { name: 'system.posix_acl_access', value: acl, length: acl.length, digest: '' },
  ]
  encoder.begin(1)
  const entries = [
    wireEntry('.', 'directory'),
    { ...wireEntry('d', 'directory'), xattrs },
    { ...wireEntry('d/a', 'file'), link: '1', userName: 'joe', groupName: 'crew', xattrs },
    { ...wireEntry('d/b', 'file'), link: '1' },
    { ...wireEntry('d/l', 'symlink'), target: 'a' },
    wireEntry('d/c', 'character'),
    wireEntry('d/p', 'fifo'),
  ]
  for (const entry of entries) encoder.entry(w, entry)
  encoder.end(w, 1)
  if (!has(terms, 'incremental')) encoder.idLists(w, { user: () => 'joe', group: () => null })
  return joined([start, w.done()])
}
const listSeeds = [0, 1, 2, 3, 4, 5].flatMap((protocol) => [
  listSeed([protocol, 1, 0xff, 0x07]),
  listSeed([protocol, 2, 0xff, 0x07]),
  listSeed([protocol, 4, 0x1c, 0x00]),
])

const COMPRESSIONS = [null, 'lz4', 'zlibx', 'zlib', ...COMPRESSORS.slice(0, -3)] as const
/** Two bytes: compressor, protocol. */
function decodeTokens(bytes: Uint8Array): void {
  const c = new Cursor(bytes)
  const compressor = COMPRESSIONS[c.u8() % COMPRESSIONS.length] ?? null
  const decoder = openTokenDecoder(termsOf(27 + (c.u8() % 6), 0, { compressor }))
  let out = 0
  decoder.begin((block) => (block < 4 ? new Uint8Array(700) : null))
  const isEnd = decoder.read(c, {
    literal: (_, start, end) => {
      assert.ok(end > start)
      out += end - start
    },
    match: (block) => assert.ok(block >= 0),
  })
  assert.ok(isEnd || c.left < 20_000)
  assert.ok(out <= 1200 * bytes.length + 40_000, 'bounded by what came')
}
function tokenSeed(compression: number): Uint8Array {
  const w = new Writer()
  const compressor = COMPRESSIONS[compression] ?? null
  const encoder = openTokenEncoder(termsOf(32, 0, { compressor }), w, null)
  const text = Buffer.from('some text, some text, and some more of it. '.repeat(4))
  encoder.begin()
  encoder.literal(text, 0, text.length)
  for (const block of [0, 1, 3]) encoder.match(block, new Uint8Array(700), 0, 700)
  encoder.literal(text, 3, 20)
  encoder.end()
  return joined([Uint8Array.of(compression, 5), w.done()])
}

const READERS: readonly ((c: Cursor) => unknown)[] = [
  ints.readVarint,
  (c) => ints.readVarlong(c, 3),
  (c) => ints.readVarlong(c, 4),
  ints.readLongint,
  ints.readWideLongint,
  ints.readVstring,
]
function decodeInts(bytes: Uint8Array): void {
  const c = new Cursor(bytes)
  const read = READERS[c.u8() % READERS.length]
  while (c.left > 0) read?.(c)
}

export const rsyncDecoders: readonly Decoder[] = [
  {
    name: 'rsync-ints',
    decode: decodeInts,
    seeds: READERS.map((_, i) => Uint8Array.of(i, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
  },
  {
    name: 'rsync-ndx',
    decode: (bytes: Uint8Array): void => {
      const c = new Cursor(bytes)
      const reader = new NdxReader(27 + (c.u8() % 6))
      while (c.left > 0) assert.ok(reader.read(c) <= 0x7fffffff)
    },
    seeds: [Uint8Array.of(5, 3, 0xff, 1, 0xfe, 1, 2, 0xfe, 0x80, 7, 0, 0, 0), new Uint8Array(9)],
  },
  { name: 'rsync-list', decode: decodeLists, seeds: listSeeds },
  { name: 'rsync-tokens', decode: decodeTokens, seeds: COMPRESSIONS.map((_, i) => tokenSeed(i)) },
  {
    name: 'rsync-filters',
    decode: (bytes: Uint8Array): void => {
      const c = new Cursor(bytes)
      const protocol = 27 + (c.u8() % 6)
      const rules = readFilterList(c, protocol)
      // The longer form of a rule may have no room.
      if (bytes.length < 1000) writeFilterList(new Writer(), rules, 32)
    },
    seeds: [
      Buffer.from('\x05\x05\0\0\0- a b\x0d\0\0\0:C .cvsignore\x07\0\0\0+!/rp /\0\0\0\0', 'latin1'),
      Buffer.from('\0\x03\0\0\0+ a\x01\0\0\0b\0\0\0\0', 'latin1'),
    ],
  },
]
