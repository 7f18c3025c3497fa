/** `prsync torrent`: a .torrent of a local file, or that of a file that a centre publishes. */
import { FileError, SocketError, UsageError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { decodeTorrent, encodeTorrent, infoHashOf, type Torrent } from '../bt/metainfo.js'
import { leavesOf } from '../hash/merkle.js'
import { HashPool } from '../io/hash-pool.js'
import { HttpClient } from '../io/http-client.js'
import { readBytes } from '../io/text-file.js'
import { torrentOf } from '../swarm/torrent-export.js'

export type MadeTorrent = { readonly torrent: Torrent; readonly bytes: Uint8Array }

/**
 * @param path as the command line has it
 * @throws {FileError} where it cannot be read, {UsageError} where it is empty: no torrent has no bytes
 */
export async function torrentOfFile(
  path: string,
  where: { readonly announce: string | null; readonly urls: readonly string[] },
): Promise<MadeTorrent> {
  const pool = new HashPool(1)
  try {
    const bytes = Buffer.from(path, 'utf8').toString('latin1')
    const [hashed] = await pool.hash([{ path: bytes, sums: false }])
    if (hashed?.kind === 'failed') throw new FileError(`cannot read ${path}: ${hashed.message}`)
    if (hashed?.kind !== 'hashed') throw new FileError(`${path} changes while it is read`)
    const { root, size: length } = hashed
    if (root === null) throw new UsageError(`${path} is empty: there is no torrent of nothing`)
    const leaves = hashed.leaves ?? leavesOf(readBytes(path))
    const torrent = torrentOf({ root, length }, leaves, where)
    return { torrent, bytes: encodeTorrent(torrent) }
  } finally {
    await pool.close()
  }
}

/** @param url of the file itself. @throws {WireError} where what comes is no torrent of ours */
export async function torrentOfUrl(
  url: string,
  userAgent: string,
  signal: AbortSignal,
): Promise<MadeTorrent> {
  const client = new HttpClient(userAgent, 1)
  try {
    const at = new URL(url.endsWith('.torrent') ? url : `${url}.torrent`)
    const bytes = await client.fetch(at, {}, LIMITS.torrentBytes, signal)
    try {
      return { torrent: decodeTorrent(bytes), bytes }
    } catch (error) {
      if (error instanceof WireError)
        throw new SocketError(`${at.href} gives no torrent: ${error.message}`, { cause: error })
      throw error
    }
  } finally {
    client.close()
  }
}

/** What magnet links call it: SHA-256 of its info dictionary. */
export function infoHash(torrent: Torrent): Uint8Array {
  return infoHashOf(torrent)
}
