/** One writer a tree: flock(2) on a file that says who. The kernel lets go of it when the owner dies, however it dies. */
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { FileError, messageOf } from '../base/errors.js'
import { needLibc } from './libc.js'

export type Lock = { release(): void }

/** Null where another process has it; `whoHasLock` says which. @throws {FileError} */
export function takeLock(path: string): Lock | null {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  } catch (cause) {
    throw new FileError(`cannot make the lock ${path}: ${messageOf(cause)}`, { cause })
  }
  if (!needLibc('flock').lock(fd)) {
    closeSync(fd)
    return null
  }
  ftruncateSync(fd)
  writeSync(fd, `${process.pid} on ${hostname()}\n`, 0)
  return { release: () => closeSync(fd) }
}

/** What the holder wrote into the lock. */
export function whoHasLock(path: string): string {
  try {
    return `process ${readFileSync(path, 'utf8').trim()}`
  } catch {
    // It may be gone by now; the message is all that depends on it.
    return 'another process'
  }
}
