/** New files in our own corner of a tree, below PRIVATE_NAME: they are built there, then renamed to where they belong. */
import { closeSync, constants, writeSync } from 'node:fs'
import { joinName } from '../base/byte-name.js'
import { FileError } from '../base/errors.js'
import { libc } from './libc.js'
import { type DiskTree, PRIVATE_NAME } from './tree.js'

/** An open file for writing and reading; one that stands there is taken as it is. @param name below PRIVATE_NAME */
export function createPrivate(tree: DiskTree, name: string): number {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  const { directory, base } = tree.at(joinName(PRIVATE_NAME, name))
  return libc().openAt(directory, base, flags, 0o600)
}

/** A file with these bytes. */
export function writePrivate(tree: DiskTree, name: string, bytes: Uint8Array): void {
  const fd = createPrivate(tree, name)
  try {
    for (let done = 0; done < bytes.length; )
      done += writeSync(fd, bytes, done, bytes.length - done, done)
  } finally {
    closeSync(fd)
  }
}

/** A file with the bytes of an open one: shared blocks where the file system can, else copied within the kernel. */
export function clonePrivate(tree: DiskTree, name: string, from: number, length: number): void {
  const fd = createPrivate(tree, name)
  try {
    if (!libc().reflink(from, fd)) copyAll(from, fd, length)
  } finally {
    closeSync(fd)
  }
}

function copyAll(from: number, to: number, length: number): void {
  for (let done = 0; done < length; ) {
    const copied = libc().copyRange(from, done, to, done, length - done)
    if (copied === 0) throw new FileError('the file became shorter while it was copied')
    done += copied
  }
}
