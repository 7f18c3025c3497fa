/** What stands in one file system comes to stand in another, with all that a rename would have kept. */
import { closeSync, constants } from 'node:fs'
import { type ByteName, baseOf, directoryOf, joinName } from '../base/byte-name.js'
import { bytesOf } from '../base/bytes.js'
import { inWords } from '../base/errno-words.js'
import { codeOf, FileError } from '../base/errors.js'
import { atOnce } from '../base/steps.js'
import { FAKE_STAT } from '../flist/fake-super.js'
import type { Standing } from '../host.js'
import type { CopyRule, FileBytes } from './file-bytes.js'
import { type Libc, libc } from './libc.js'
import { nodeOf } from './nodes.js'
import { temporaryBase } from './temporary-name.js'
import type { DiskTree } from './tree.js'

type Place = { readonly tree: DiskTree; readonly name: ByteName }

const PLAIN: CopyRule = { sparse: false, preallocate: false, fsync: false, stepBytes: null }

/** @throws {FileError} without a code: a disk that is full here spoils one file, as with rsync */
export function moveAcross(files: FileBytes, from: Place, to: Place): void {
  const stands = from.tree.beneath(from.name)
  if (stands === null) throw new FileError(`${from.name} is gone`)
  const { tree } = to
  const made = joinName(directoryOf(to.name), temporaryBase(baseOf(to.name)))
  try {
    make(files, from, stands, { tree, name: made })
    tree.rename(made, to.name)
  } catch (error) {
    if (tree.beneath(made) !== null) tree.remove(made)
    throw new FileError(inWords(error), { cause: error })
  }
  from.tree.remove(from.name)
}

function make(files: FileBytes, from: Place, stands: Standing, to: Place): void {
  const calls = libc()
  const { directory, base } = to.tree.at(to.name)
  const { kind, uid, gid, mode, mtimeNs } = stands
  if (kind === 'symlink') calls.symlinkAt(bytesOf(from.tree.readlink(from.name)), directory, base)
  else if (kind !== 'file') calls.mknodAt(directory, base, ...nodeOf(stands))
  else copyFile(files, from, { directory, base })
  calls.chownAt(directory, base, uid, gid)
  takeXattrs(calls, from.tree.pathFor(from.name), to.tree.pathFor(to.name))
  calls.utimeAt(directory, base, mtimeNs, null)
  if (kind !== 'symlink') calls.chmodAt(directory, base, mode)
}

function copyFile(files: FileBytes, from: Place, to: ReturnType<DiskTree['at']>): void {
  const source = from.tree.openFile(from.name)
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
    const target = libc().openAt(to.directory, to.base, flags, 0o600)
    try {
      atOnce(files.copy(source, target, PLAIN))
    } finally {
      closeSync(target)
    }
  } finally {
    closeSync(source)
  }
}

/** All of them, as a rename would: owners that stand for others are among them. */
function takeXattrs(calls: Libc, from: Uint8Array, to: Uint8Array): void {
  if (!calls.hasXattrs) return
  for (const name of calls.listXattrs(from)) {
    const value = calls.getXattr(from, name)
    try {
      if (value !== null) calls.setXattr(to, name, value)
    } catch (error) {
      const code = codeOf(error)
      // A file system that has none, or a label that is not ours to set.
      if (name === FAKE_STAT || (code !== 'EOPNOTSUPP' && code !== 'EPERM')) throw error
    }
  }
}
