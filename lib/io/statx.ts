/** struct statx, the same on every architecture → what stands there. statx(2). */
import { FileError } from '../base/errors.js'
import type { FileKind, Standing } from '../host.js'

// A Map: keys of an object literal lose their octal meaning to formatters.
const KIND_OF: ReadonlyMap<number, FileKind> = new Map([
  [0o010000, 'fifo'],
  [0o020000, 'character'],
  [0o040000, 'directory'],
  [0o060000, 'block'],
  [0o100000, 'file'],
  [0o120000, 'symlink'],
  [0o140000, 'socket'],
])

/** @param base the last component of its name @throws {FileError} on a kind that Linux has not */
export function standingOf(base: string, s: Buffer): Standing {
  const mode = s.readUInt16LE(28)
  const kind = KIND_OF.get(mode & 0o170000)
  if (kind === undefined) throw new FileError(`file of unknown kind ${mode.toString(8)}`)
  return {
    base,
    kind,
    mode: mode & 0o7777,
    size: s.readUInt32LE(40) + s.readUInt32LE(44) * 2 ** 32,
    mtimeNs: s.readBigInt64LE(112) * 1_000_000_000n + BigInt(s.readUInt32LE(120)),
    ctimeNs: s.readBigInt64LE(96) * 1_000_000_000n + BigInt(s.readUInt32LE(104)),
    uid: s.readUInt32LE(20),
    gid: s.readUInt32LE(24),
    dev: (BigInt(s.readUInt32LE(136)) << 32n) | BigInt(s.readUInt32LE(140)),
    ino: s.readBigUInt64LE(32),
    nlink: s.readUInt32LE(16),
    major: s.readUInt32LE(128),
    minor: s.readUInt32LE(132),
  }
}

/** Time of last use. */
export function atimeNsOf(s: Buffer): bigint {
  return s.readBigInt64LE(64) * 1_000_000_000n + BigInt(s.readUInt32LE(72))
}
