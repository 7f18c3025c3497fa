/** Metalink 4, RFC 5854: a file's digests and where it is, so that a client can leave a volunteer that gives wrong bytes. */
import { hexOf } from '../base/bytes.js'
import type { Digests } from '../hash/digests.js'

export const METALINK_TYPE = 'application/metalink4+xml'

export type Metalink = {
  /** What the client calls it: one component, UTF-8. */
  readonly name: string
  readonly size: number
  readonly mtimeMs: number
  readonly digests: Digests
  /** Absolute, the best first. */
  readonly urls: readonly string[]
}

/**
 * Pieces twice: libzypp knows only those of SHA-1, others take the stronger. No metaurl: the clients that follow one to a torrent
 * know no torrents of version 2.
 */
export function encodeMetalink({ name, size, mtimeMs, digests, urls }: Metalink): string {
  const { sha256, pieceLength, sha1Pieces, sha256Pieces } = digests
  const published = new Date(mtimeMs).toISOString()
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<metalink xmlns="urn:ietf:params:xml:ns:metalink">',
    '  <generator>prsync</generator>',
    `  <published>${published.replace(/\.\d+Z$/, 'Z')}</published>`,
    `  <file name="${xml(name)}">`,
    `    <size>${size}</size>`,
    `    <hash type="sha-256">${hexOf(sha256)}</hash>`,
    ...pieces('sha-1', pieceLength, sha1Pieces, 20),
    ...pieces('sha-256', pieceLength, sha256Pieces, 32),
    ...urls.map((url, i) => `    <url priority="${i + 1}">${xml(url)}</url>`),
    '  </file>',
    '</metalink>',
    '',
  ].join('\n')
}

function pieces(type: string, length: number, packed: Uint8Array, each: number): string[] {
  if (packed.length === 0) return []
  const hashes: string[] = []
  for (let at = 0; at < packed.length; at += each)
    hashes.push(`      <hash>${hexOf(packed.subarray(at, at + each))}</hash>`)
  return [`    <pieces length="${length}" type="${type}">`, ...hashes, '    </pieces>']
}

/** What XML 1.0 cannot say at all becomes the sign for it. */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`)
}
