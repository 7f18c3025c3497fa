import t from 'tap'
import { hexOf, latin1Of } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { type Bencoded, encodeBencode } from '../../lib/bt/bencode.js'
import {
  decodeTorrent,
  encodeTorrent,
  infoHashOf,
  pieceCount,
  pieceLevel,
  shortInfoHash,
  type Torrent,
} from '../../lib/bt/metainfo.js'
import { contentRoot, layerAt, leavesOf } from '../../lib/hash/merkle.js'
import { rootBytes } from '../../lib/hash/root.js'
import { ruled } from '../support/contents.js'

const bytes = ruled(200_000)
const torrent: Torrent = {
  content: { root: contentRoot(bytes), length: bytes.length },
  name: 'x',
  pieceLength: 65536,
  pieceLayer: layerAt(leavesOf(bytes), 2),
  announce: 'http://127.0.0.1/announce',
  urls: ['http://127.0.0.1/x'],
}

t.test('a torrent survives, and says the same again', async (t) => {
  const encoded = encodeTorrent(torrent)
  t.same(decodeTorrent(encoded), torrent)
  t.same(encodeTorrent(decodeTorrent(encoded)), encoded)
  const bare = { ...torrent, announce: null, urls: [] }
  t.same(decodeTorrent(encodeTorrent(bare)), bare)
  t.equal(pieceCount(torrent), 4)
  t.same([16384, 65536, 16 << 20].map(pieceLevel), [0, 2, 10])
  const small = {
    ...bare,
    content: { root: contentRoot(ruled(9)), length: 9 },
    pieceLayer: new Uint8Array(0),
  }
  t.same(decodeTorrent(encodeTorrent(small)), small)
})

// libtorrent 2.0.8: create_torrent of the file `f5000001` of fixtures/hash/roots.vec, pieces of 64 KiB, v2_only.
t.test("the info-hash is libtorrent's", async (t) => {
  const ruled5 = ruled(5_000_001)
  const same = {
    ...torrent,
    content: { root: contentRoot(ruled5), length: ruled5.length },
    name: 'f5000001',
  }
  t.equal(hexOf(infoHashOf(same)), LIBTORRENT_INFO_HASH)
  t.equal(shortInfoHash(same), latin1Of(infoHashOf(same).subarray(0, 20)))
})
const LIBTORRENT_INFO_HASH = 'e9760f5a03a9136358d845882a549c95c06560e4d1f167e4bfe65c8e724cfcc0'

t.test('refuses what is not one whole file', async (t) => {
  type Fields = Record<string, Bencoded>
  const map = (fields: Fields): Bencoded => new Map(Object.entries(fields))
  const root = rootBytes(torrent.content.root)
  const info = (change: Fields = {}, file: Fields = {}, name = 'x'): Bencoded =>
    map({
      'file tree': map({
        [name]: map({ '': map({ length: 200_000, 'pieces root': root, ...file }) }),
      }),
      'meta version': 2,
      name: Buffer.from(name),
      'piece length': 65536,
      ...change,
    })
  const layers = (layer: Uint8Array = torrent.pieceLayer): Bencoded =>
    new Map([[torrent.content.root, layer]])
  const wrong = Uint8Array.from(torrent.pieceLayer)
  wrong[0] = (wrong[0] ?? 0) ^ 1
  const cases: Array<[name: string, fields: Fields]> = [
    ['no info', { 'piece layers': layers() }],
    ['version 1', { info: info({ 'meta version': 1 }), 'piece layers': layers() }],
    ['a hybrid', { info: info({ pieces: new Uint8Array(20) }), 'piece layers': layers() }],
    ['pieces of 8 KiB', { info: info({ 'piece length': 8192 }), 'piece layers': layers() }],
    ['pieces of 48 KiB', { info: info({ 'piece length': 49152 }), 'piece layers': layers() }],
    ['pieces of 32 MiB', { info: info({ 'piece length': 32 << 20 }), 'piece layers': layers() }],
    [
      'two files',
      { info: info({ 'file tree': map({ x: map({}), y: map({}) }) }), 'piece layers': layers() },
    ],
    [
      'a directory',
      { info: info({ 'file tree': map({ x: map({ y: map({}) }) }) }), 'piece layers': layers() },
    ],
    ['two names', { info: info({ name: Buffer.from('y') }), 'piece layers': layers() }],
    ['a way up', { info: info({}, {}, '..'), 'piece layers': layers() }],
    ['a path', { info: info({}, {}, 'a/b'), 'piece layers': layers() }],
    ['an empty file', { info: info({}, { length: 0 }), 'piece layers': layers() }],
    [
      'a short root',
      { info: info({}, { 'pieces root': new Uint8Array(31) }), 'piece layers': layers() },
    ],
    ['an attribute', { info: info({}, { attr: Buffer.from('x') }), 'piece layers': layers() }],
    ['no layers', { info: info() }],
    ['no layer', { info: info(), 'piece layers': map({}) }],
    ['another layer', { info: info(), 'piece layers': map({ y: torrent.pieceLayer }) }],
    ['a short layer', { info: info(), 'piece layers': layers(torrent.pieceLayer.subarray(32)) }],
    ['a wrong layer', { info: info(), 'piece layers': layers(wrong) }],
    ['a layer of a one-piece file', { info: info({}, { length: 9 }), 'piece layers': layers() }],
    [
      'a URL with a space',
      { announce: Buffer.from('a b'), info: info(), 'piece layers': layers() },
    ],
    ['a URL list of numbers', { info: info(), 'piece layers': layers(), 'url-list': [1] }],
    ['a URL that is a number', { info: info(), 'piece layers': layers(), 'url-list': 1 }],
  ]
  for (const [name, fields] of cases)
    t.throws(() => decodeTorrent(encodeBencode(map(fields))), WireError, name)
  const one = { info: info(), 'piece layers': layers() }
  t.same(decodeTorrent(encodeBencode(map({ ...one, 'url-list': Buffer.from('http://a') }))).urls, [
    'http://a',
  ])
  t.same(decodeTorrent(encodeBencode(map({ ...one, 'url-list': new Uint8Array(0) }))).urls, [])
  t.throws(() => decodeTorrent(new Uint8Array((64 << 20) + 1)), WireError, 'a file above the cap')
})
