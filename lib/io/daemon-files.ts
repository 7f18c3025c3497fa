/** The files of a daemon: configuration, secrets, message of the day, the places of `max connections`. Paths one char per byte. */
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { codeOf, messageOf, StartupError, UsageError } from '../base/errors.js'
import { daemonCalls } from './libc-daemon.js'
import { lockFile } from './lock.js'
import { trustedPath } from './operator.js'

const bytes = (path: string): Buffer => Buffer.from(path, 'latin1')

/** @throws {UsageError} */
export function readConfText(path: string): string {
  try {
    return readFileSync(bytes(trustedPath(path)), 'latin1')
  } catch (cause) {
    throw new UsageError(`unable to open configuration file ${path}: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** The names in a directory; null: it is none. @throws {UsageError} */
export function listConfDirectory(path: string): readonly string[] | null {
  try {
    const at = bytes(trustedPath(path))
    return statSync(at).isDirectory() ? readdirSync(at, { encoding: 'latin1' }) : null
  } catch (cause) {
    throw new UsageError(`unable to read configuration ${path}: ${messageOf(cause)}`, { cause })
  }
}

export type OwnedText = { readonly text: string; readonly mode: number; readonly uid: number }

/** A file with what its permissions say; null where it cannot be read. */
export function readOwned(path: string): OwnedText | null {
  let fd: number
  try {
    fd = openSync(bytes(trustedPath(path)), 'r')
  } catch {
    // The log says that there is none; the client must not hear why.
    return null
  }
  try {
    const { mode, uid } = fstatSync(fd)
    return { text: readFileSync(fd, 'latin1'), mode, uid }
  } finally {
    closeSync(fd)
  }
}

export type Place =
  /** Held until the process ends. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'full' }
  | { readonly kind: 'unusable'; readonly why: string }

/** Bytes of the lock file that stand for one connection: rsync's, so that both may share a file. */
const RECORD_BYTES = 4

/** One place of so many, counted over all processes that use the file. */
export function takePlace(path: string, most: number): Place {
  const calls = daemonCalls()
  try {
    const at = trustedPath(path)
    if (calls === null) {
      // Record locks need koffi: a file for each place then, which prsync alone understands.
      for (let i = 0; i < most; i++) if (lockFile(`${at}.${i}`) !== null) return { kind: 'taken' }
      return { kind: 'full' }
    }
    const fd = openSync(bytes(at), 'a+', 0o600)
    for (let i = 0; i < most; i++)
      if (calls.lockRecord(fd, i * RECORD_BYTES, RECORD_BYTES)) return { kind: 'taken' }
    closeSync(fd)
    return { kind: 'full' }
  } catch (error) {
    return { kind: 'unusable', why: messageOf(error) }
  }
}

/** Says who runs, and keeps others from running with the same file. What comes back ends that. @throws {StartupError} */
export function holdPidFile(path: string): () => void {
  const at = trustedPath(path)
  const lock = lockFile(at)
  if (lock === null) throw new StartupError(`another daemon has the pid file ${path}`)
  try {
    writeFileSync(bytes(at), `${process.pid}\n`)
  } catch (cause) {
    lock.release()
    throw new StartupError(`cannot write ${path}: ${messageOf(cause)}`, { cause })
  }
  return () => {
    try {
      rmSync(bytes(at))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    } finally {
      lock.release()
    }
  }
}
