/** The first bytes of a connection, both ends: ours with ours, and ours with what rsync 3.5.0 says, whole, cut and garbled. */
import t from 'tap'
import { hexOf, joined, Writer } from '../../lib/base/bytes.js'
import { ProtocolError, UnsupportedError, WireError } from '../../lib/base/errors.js'
import type { Link } from '../../lib/host.js'
import {
  type ClientHello,
  clientHandshake,
  namesOffered,
  type ServerHello,
  serverHandshake,
} from '../../lib/rsync/handshake.js'
import { WireReader } from '../../lib/rsync/reader.js'
import { WireWriter } from '../../lib/rsync/writer.js'
import { writeVstring } from '../../lib/wire/ints.js'
import { CHECKSUMS, COMPRESSORS } from '../../lib/wire/negotiate.js'
import { COMPAT, type Terms } from '../../lib/wire/terms.js'
import { linkPair } from '../support/links.js'
import { scriptedLink } from '../support/scripted-link.js'

const signal = new AbortController().signal
const CAPABILITIES = '.iLsfxCIvu'
const ALL = 0x1ff
const NAMES = 'xxh128 xxh3 xxh64 md5 md4 sha1'
type Part = number | string | Uint8Array
function bytes(...parts: Part[]): Uint8Array {
  const w = new Writer()
  for (const part of parts)
    if (typeof part === 'number') w.i32le(part)
    else if (typeof part === 'string') writeVstring(w, part)
    else w.put(part)
  return w.done()
}

const HELLO: ClientHello & ServerHello = {
  ownProtocol: 32,
  daemonProtocol: null,
  checksumChoice: null,
  compress: null,
  checksums: CHECKSUMS,
  compressors: COMPRESSORS,
  incremental: true,
  framesOld: false,
  capabilities: CAPABILITIES,
  seed: 7,
}
type Of = Partial<typeof HELLO>

function ends(link: Link): [WireReader, WireWriter] {
  const writer = new WireWriter(link, signal)
  const reader = new WireReader(
    link,
    signal,
    () => {},
    () => writer.flush(),
  )
  return [reader, writer]
}
const asClient = (link: Link, of: Of = {}): Promise<Terms> =>
  clientHandshake(...ends(link), { ...HELLO, ...of })
const asServer = (link: Link, of: Of = {}): Promise<Terms> =>
  serverHandshake(...ends(link), { ...HELLO, ...of })

async function both(client: Of, server: Of = {}): Promise<Terms> {
  const [here, there] = linkPair()
  const [c, s] = await Promise.all([asClient(here, client), asServer(there, server)])
  t.same(c, s, 'both ends agree')
  return c
}

t.test('the lower of two versions, and what goes with it', async (t) => {
  const versions = [27, 28, 29, 30, 31, 32]
  for (const ours of versions)
    for (const theirs of versions) {
      const terms = await both({ ownProtocol: ours }, { ownProtocol: theirs })
      const protocol = Math.min(ours, theirs)
      t.match(terms, {
        protocol,
        compat: protocol >= 30 ? ALL : 0,
        seed: 7,
        checksum: protocol >= 30 ? 'xxh128' : 'md4-old',
        compressor: null,
      })
    }
})

t.test('agreed on by a daemon: no versions go over the stream', async (t) => {
  for (const protocol of [29, 31, 32]) {
    const of = { daemonProtocol: protocol }
    t.match(await both(of, of), { protocol })
  }
})

t.test('letters of the client', async (t) => {
  const always = COMPAT.symlinkTimes | COMPAT.symlinkIconv
  const cases: [string, boolean, number][] = [
    ['', true, always],
    ['.iL', true, always | COMPAT.incremental],
    ['.iL', false, always],
    ['.iLsfxC', true, 0x3f],
    ['.iLsfxCIv', true, 0xff],
    ['.LsfxCIvu', true, 0x1fe],
  ]
  for (const [capabilities, incremental, compat] of cases) {
    const terms = await both({}, { capabilities, incremental })
    t.equal(terms.compat, compat, capabilities)
    t.equal(terms.checksum, (compat & COMPAT.varFlags) !== 0 ? 'xxh128' : 'md5')
  }
})

t.test('a pre-release that names itself has its flags in one byte', async (t) => {
  const link = scriptedLink(bytes(31, NAMES))
  await asServer(link, { capabilities: '.iLsfxCIV', seed: 1 })
  t.equal(hexOf(link.said().subarray(4, 6)), 'ff23', 'and then the names')
})

t.test('sums and compressors, as both have them', async (t) => {
  const compress = { choice: null }
  const cases: [string, Of, Of, Partial<Terms>][] = [
    ["the client's first", { checksums: ['md4', 'md5'] }, {}, { checksum: 'md4' }],
    ['the first that both have', {}, { checksums: ['sha1', 'md5'] }, { checksum: 'md5' }],
    ['compressors', { compress }, { compress }, { compressor: COMPRESSORS[0] ?? null }],
    [
      "the client's compressor",
      { compress, compressors: ['zlib', 'zlibx'] },
      { compress },
      { compressor: 'zlib' },
    ],
    [
      'said on the command line, it is not asked',
      { checksumChoice: 'sha1,md5', compress: { choice: 'zlibx' } },
      { checksumChoice: 'sha1,md5', compress: { choice: 'zlibx' } },
      { checksum: 'sha1', listChecksum: 'md5', compressor: 'zlibx' },
    ],
    [
      'a batch is written: as before there was a choice',
      { compress, checksums: ['md5'], compressors: ['zlib'] },
      { compress },
      { checksum: 'md5', compressor: 'zlib' },
    ],
    [
      'no choice before protocol 30',
      { ownProtocol: 29, compress },
      { compress },
      { checksum: 'md4-old', compressor: 'zlib' },
    ],
    [
      'no choice with those who do not know of it',
      { compress },
      { compress, capabilities: '.iLsfxC' },
      { checksum: 'md5', compressor: 'zlib' },
    ],
  ]
  for (const [what, client, server, terms] of cases)
    t.match(await both(client, server), terms, what)
  for (const name of CHECKSUMS) t.match(await both({ checksums: [name] }), { checksum: name })
  for (const name of COMPRESSORS)
    t.match(await both({ compress, compressors: [name] }, { compress }), { compressor: name })
})

t.test('nothing in common', async (t) => {
  const compress = { choice: null }
  for (const [what, said, of] of [
    ['checksum', bytes(32, 'sha9 sha8'), {}],
    ['compress', bytes(32, NAMES, 'brotli'), { compress }],
  ] as const)
    await t.rejects(
      asServer(scriptedLink(said), of),
      new UnsupportedError(`Failed to negotiate a ${what} choice.`),
      what,
    )
})

t.test('RSYNC_CHECKSUM_LIST', async (t) => {
  const all = ['a', 'b', 'c']
  const cases: [string | undefined, boolean, string[]][] = [
    [undefined, false, all],
    ['  ', true, all],
    ['c A', false, ['c', 'a']],
    ['c & b', false, ['c']],
    ['c & b', true, ['b']],
    ['nothing known', false, all],
  ]
  for (const [list, isServer, offered] of cases)
    t.same(namesOffered(all, list, isServer), offered, String(list))
})

t.test('seeds, as they are', async (t) => {
  for (const seed of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)])
    t.equal((await both({}, { seed })).seed, seed)
})

// ---- what rsync says ---------------------------------------------------------------------------

const FLAGS = Uint8Array.of(0x81, 0xff)
const SEED = Uint8Array.of(1, 0, 0, 0)
const DATA = Uint8Array.of(1, 0, 0, 7, 42)
/** By version: what a server says, and what its client. */
const SERVER: ReadonlyMap<number, Uint8Array> = new Map([
  [32, bytes(32, FLAGS, `${NAMES} none`, SEED)],
  [31, bytes(32, FLAGS, `${NAMES} none`, SEED)],
  [29, bytes(32, SEED)],
  [27, bytes(32, SEED)],
])
const CLIENT: ReadonlyMap<number, Uint8Array> = new Map([
  [32, bytes(32, NAMES)],
  [31, bytes(31, NAMES)],
  [29, bytes(29)],
  [27, bytes(27)],
])

t.test('the bytes of both ends, however they come', async (t) => {
  for (const [version, said] of SERVER)
    for (const step of [1, 3, 100]) {
      const link = scriptedLink(joined([said, DATA]), step)
      const [reader, writer] = ends(link)
      const terms = await clientHandshake(reader, writer, { ...HELLO, ownProtocol: version })
      t.match(terms, { protocol: version, seed: 1 })
      t.equal(hexOf(link.said()), hexOf(CLIENT.get(version) ?? SEED))
      t.equal(await reader.decode((c) => c.u8()), 42, 'frames follow')
    }
  for (const [version, said] of CLIENT) {
    const isFramed = version >= 30
    const link = scriptedLink(joined([said, isFramed ? DATA : Uint8Array.of(42)]), 2)
    const [reader, writer] = ends(link)
    const terms = await serverHandshake(reader, writer, { ...HELLO, seed: 1 })
    t.match(terms, { protocol: version, seed: 1 })
    t.equal(hexOf(link.said()), hexOf(SERVER.get(version) ?? SEED))
    t.equal(await reader.decode((c) => c.u8()), 42, 'frames follow, where there are any')
  }
})

t.test('frames of an old client that removes what it brings', async (t) => {
  const link = scriptedLink(joined([bytes(29), DATA]))
  const [reader, writer] = ends(link)
  await serverHandshake(reader, writer, { ...HELLO, framesOld: true })
  t.equal(await reader.decode((c) => c.u8()), 42)
})

t.test('cut at each byte', async (t) => {
  for (const [version, said] of SERVER)
    for (let length = 0; length < said.length; length++)
      await t.rejects(
        asClient(scriptedLink(said.subarray(0, length)), { ownProtocol: version }),
        new WireError(`connection unexpectedly closed (${length} bytes received so far)`),
        `a server of ${version} leaves after ${length} bytes`,
      )
  for (const [version, said] of CLIENT)
    for (let length = 0; length < said.length; length++)
      await t.rejects(
        asServer(scriptedLink(said.subarray(0, length))),
        WireError,
        `a client of ${version} leaves after ${length} bytes`,
      )
})

t.test('what is no handshake', async (t) => {
  const late = (...parts: Part[]): Uint8Array => bytes(32, ...parts)
  const cases: [string, Uint8Array, new (m: string) => Error][] = [
    ['a shell that greets', Buffer.from('Welcome to the machine\n'), ProtocolError],
    ['a daemon where there is to be none', Buffer.from('@RSYNCD: 31.0\n'), ProtocolError],
    ['nothing but zeros', new Uint8Array(64), ProtocolError],
    ['too old', bytes(26), ProtocolError],
    ['too old to be true', bytes(19), ProtocolError],
    ['too new to be true', bytes(41), ProtocolError],
    ['negative', bytes(-1), ProtocolError],
    ['flags of too many bytes', late(new Uint8Array(8).fill(0xff)), WireError],
    ['too many names', late(FLAGS, 'x'.repeat(256)), ProtocolError],
    ['names of which none is known', late(FLAGS, 'sha9 none'), UnsupportedError],
    ['no name at all', late(FLAGS, ''), UnsupportedError],
    ['NULs for names', late(FLAGS, '\0'.repeat(9)), UnsupportedError],
  ]
  for (const [what, said, error] of cases)
    await t.rejects(asClient(scriptedLink(said)), error, what)
  for (const [what, said, error] of cases.slice(0, 7))
    await t.rejects(asServer(scriptedLink(said)), error, what)
  for (const version of [33, 40])
    t.match(await asClient(scriptedLink(bytes(version, FLAGS, NAMES, SEED))), { protocol: 32 })
})

t.test('a list piece by piece that nobody asked for', async (t) => {
  const said = bytes(32, FLAGS, NAMES, SEED)
  await t.rejects(asClient(scriptedLink(said), { incremental: false }), ProtocolError)
})

t.test(
  'a compressor that this machine lacks',
  { skip: COMPRESSORS.includes('zstd') },
  async (t) => {
    const of: Of = { compress: { choice: 'zstd' } }
    const said = bytes(32, FLAGS, `${NAMES} none`, SEED)
    await t.rejects(asClient(scriptedLink(said), of), UnsupportedError)
  },
)
