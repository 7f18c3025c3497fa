/** What a directory itself tells of its entries, so that none has to be looked at. readdir(3), d_type. */
import { type Dirent, readdirSync } from 'node:fs'
import { compareNames } from '../base/byte-name.js'
import { codeOf } from '../base/errors.js'
import type { FileKind, Named } from '../host.js'

/** In byte order; null: this file system does not tell. @throws the system's error */
export function kindsIn(path: Buffer): Named[] | null {
  const named: Named[] = []
  try {
    for (const entry of readdirSync(path, { encoding: 'latin1', withFileTypes: true })) {
      const kind = kindOf(entry)
      if (kind === null) return null
      named.push({ base: entry.name, kind })
    }
  } catch (error) {
    // Node looks at what has no kind itself, and cannot where the path is bytes.
    if (codeOf(error) === 'ERR_INVALID_ARG_TYPE') return null
    throw error
  }
  return named.sort((a, b) => compareNames(a.base, b.base))
}
function kindOf(entry: Dirent): FileKind | null {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  if (entry.isSymbolicLink()) return 'symlink'
  if (entry.isFIFO()) return 'fifo'
  if (entry.isSocket()) return 'socket'
  if (entry.isCharacterDevice()) return 'character'
  return entry.isBlockDevice() ? 'block' : null
}
