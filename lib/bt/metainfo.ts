/**
 * A single-file v2 torrent: info dictionary, piece layer, where to announce and where the bytes also are. BEP 3, 19, 52.
 * The only kind we write; others are read as far as they are that, and refused with a reason otherwise.
 */
import { createHash } from 'node:crypto'
import { latin1Of, utf8Bytes } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { heightOf, LEAF_BYTES, subtreeRoot } from '../hash/merkle.js'
import { type ContentId, ROOT_BYTES, type Root, rootBytes, rootOf } from '../hash/root.js'
import {
  type Bencoded,
  bytesAt,
  type Dictionary,
  decodeDictionary,
  dictionary,
  encodeBencode,
  integerAt,
  isDictionary,
  isList,
} from './bencode.js'

export type Torrent = {
  readonly content: ContentId
  /** One char per byte; one component. */
  readonly name: string
  /** A power of two from 16 KiB to 16 MiB. */
  readonly pieceLength: number
  /** Packed hashes of the pieces; empty where one piece is all: then the root is its hash. */
  readonly pieceLayer: Uint8Array
  /** URLs. */
  readonly announce: string | null
  readonly urls: readonly string[]
}

export function encodeTorrent(torrent: Torrent): Uint8Array {
  const layers = new Map<string, Bencoded>()
  if (torrent.pieceLayer.length > 0) layers.set(torrent.content.root, torrent.pieceLayer)
  return encodeBencode(
    dictionary({
      announce: torrent.announce === null ? undefined : utf8Bytes(torrent.announce),
      info: infoOf(torrent),
      'piece layers': layers,
      'url-list': torrent.urls.length === 0 ? undefined : torrent.urls.map((url) => utf8Bytes(url)),
    }),
  )
}

/**
 * @throws {WireError} unless it is canonical bencode of one file that is not empty, with a name that is one component, and a
 * piece layer that leads to the root.
 */
export function decodeTorrent(bytes: Uint8Array): Torrent {
  if (bytes.length > LIMITS.torrentBytes) throw fault(`${bytes.length} bytes`)
  const fields = decodeDictionary(bytes, BOUNDS)
  const info = fields.get('info')
  if (!isDictionary(info)) throw fault('no info')
  if (integerAt(info, 'meta version', 2, 2) === undefined) throw fault('not version 2')
  const pieceLength = integerAt(info, 'piece length', LEAF_BYTES, LIMITS.pieceBytes)
  if (pieceLength === undefined || !Number.isInteger(Math.log2(pieceLength)))
    throw fault('piece length')
  const { name, content } = onlyFile(info)
  const announce = bytesAt(fields, 'announce')
  return {
    content,
    name,
    pieceLength,
    pieceLayer: layerOf(fields, content, pieceLength),
    announce: announce === undefined ? null : urlOf(announce),
    urls: urlsOf(fields.get('url-list')),
  }
}

/** SHA-256 of the info dictionary: 32 bytes; the wire and the tracker use the first 20. */
export function infoHashOf(torrent: Torrent): Uint8Array {
  return createHash('sha256')
    .update(encodeBencode(infoOf(torrent)))
    .digest()
}

/** The name on the wire and to the tracker: 20 bytes, one char each. */
export function shortInfoHash(torrent: Torrent): string {
  return latin1Of(infoHashOf(torrent).subarray(0, 20))
}

export function pieceCount(torrent: Torrent): number {
  return Math.ceil(torrent.content.length / torrent.pieceLength)
}
/** The layer of the tree whose hashes are those of pieces of this length. */
export function pieceLevel(pieceLength: number): number {
  return heightOf(pieceLength / LEAF_BYTES)
}

const BOUNDS = { depth: 6, tokens: 200, order: 'strict' } as const

function infoOf(torrent: Torrent): Dictionary {
  const { root, length } = torrent.content
  const file = dictionary({ length, 'pieces root': rootBytes(root) })
  return dictionary({
    'file tree': new Map([[torrent.name, new Map([['', file]])]]),
    'meta version': 2,
    name: Uint8Array.from(Buffer.from(torrent.name, 'latin1')),
    'piece length': torrent.pieceLength,
  })
}

/** @throws {WireError} where re-encoding would give another info-hash: keys that we do not keep. */
function onlyFile(info: Dictionary): { readonly name: string; readonly content: ContentId } {
  const tree = info.get('file tree')
  if (info.size !== 4 || !isDictionary(tree) || tree.size !== 1) throw fault('not one plain file')
  const [[name, node] = ['', undefined]] = tree
  const file = isDictionary(node) && node.size === 1 ? node.get('') : undefined
  if (!isDictionary(file) || file.size !== 2) throw fault('not one plain file')
  const title = bytesAt(info, 'name')
  if (title === undefined || latin1Of(title) !== name) throw fault('two names')
  if (!isComponent(name)) throw fault('a name that is not one component')
  const length = integerAt(file, 'length', 1, LIMITS.contentBytes)
  const root = bytesAt(file, 'pieces root')
  if (length === undefined || root?.length !== ROOT_BYTES) throw fault('length or pieces root')
  return { name, content: { root: rootOf(root), length } }
}

function isComponent(name: string): boolean {
  return /^[^/\0]{1,255}$/.test(name) && name !== '.' && name !== '..'
}

function layerOf(fields: Dictionary, content: ContentId, pieceLength: number): Uint8Array {
  const layers = fields.get('piece layers')
  if (!isDictionary(layers)) throw fault('no piece layers')
  const count = Math.ceil(content.length / pieceLength)
  if (layers.size !== (count > 1 ? 1 : 0)) throw fault('piece layers of other files')
  if (count === 1) return new Uint8Array(0)
  const layer = bytesAt(layers, content.root)
  if (layer?.length !== count * ROOT_BYTES) throw fault('piece layer of another length')
  if (rootAbove(layer, pieceLength) !== content.root)
    throw fault('piece layer that leads to another root')
  return Uint8Array.from(layer)
}

function rootAbove(layer: Uint8Array, pieceLength: number): Root {
  return rootOf(subtreeRoot(layer, heightOf(layer.length / ROOT_BYTES), pieceLevel(pieceLength)))
}

/** BEP 19 allows one, or a list. */
function urlsOf(value: Bencoded | undefined): string[] {
  if (value === undefined) return []
  if (value instanceof Uint8Array) return value.length === 0 ? [] : [urlOf(value)]
  if (!isList(value)) throw fault('url-list')
  return value.map((url) => {
    if (!(url instanceof Uint8Array)) throw fault('url-list')
    return urlOf(url)
  })
}
function urlOf(bytes: Uint8Array): string {
  const text = latin1Of(bytes)
  if (!/^[!-~]{1,2048}$/.test(text)) throw fault('a URL that is none')
  return text
}

function fault(what: string): WireError {
  return new WireError(what, { at: 'torrent' })
}
