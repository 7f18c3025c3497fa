/** One writer a tree: flock(2) on a file that says who. The kernel lets go of it when the owner dies, however it dies. */
import { closeSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { joinName } from '../base/byte-name.js'
import { FileError, messageOf, StartupError } from '../base/errors.js'
import { libc } from './libc.js'
import { isLockedByName } from './libc-node.js'
import { createPrivate } from './private-corner.js'
import { type DiskTree, PRIVATE_NAME } from './tree.js'

export type Lock = { /** Twice is fine. */ release(): void }

/** Null where another process has it and we do not wait. @throws {FileError} where none can be made */
export async function lockTree(
  tree: DiskTree,
  wait: boolean,
  signal: AbortSignal,
): Promise<Lock | null> {
  const fd = lockIn(tree)
  let letGo: (() => void) | null = null
  try {
    for (letGo = libc().lock(fd); letGo === null; letGo = libc().lock(fd)) {
      if (!wait) {
        closeSync(fd)
        return null
      }
      await sleep(500, undefined, { signal })
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  sayWho(fd)
  return lockOf(fd, letGo)
}

function lockIn(tree: DiskTree): number {
  try {
    return createPrivate(tree, 'lock')
  } catch (cause) {
    throw new FileError(`cannot write to ${tree.path}: ${messageOf(cause)}`, { cause })
  }
}

/** Only for people: a full disk, that has no room for it, is no reason to stop those who may make room. */
function sayWho(fd: number): void {
  try {
    ftruncateSync(fd)
    writeSync(fd, `${process.pid} on ${hostname()}\n`, 0)
  } catch {}
}

/** A lock file anywhere, made where it is not; null: another process has it. @throws {StartupError} where it cannot be used */
export function lockFile(path: string): Lock | null {
  let fd: number
  try {
    fd = openSync(path, 'a', 0o600)
  } catch (cause) {
    throw new StartupError(`cannot lock ${path}: ${messageOf(cause)}`, { cause })
  }
  const letGo = libc().lock(fd)
  if (letGo !== null) return lockOf(fd, letGo)
  closeSync(fd)
  return null
}

function lockOf(fd: number, letGo: () => void): Lock {
  let held = true
  return {
    release: () => {
      if (!held) return
      held = false
      letGo()
      closeSync(fd)
    },
  }
}

/** Who has the lock now, `PID on HOST`; null: nobody. Looks at it without taking it, so that no run is turned away by a look. */
export function lockHolder(tree: DiskTree): string | null {
  const lock = tree.stat(joinName(PRIVATE_NAME, 'lock'))
  if (lock === null) return null
  // proc_locks(5): 1: FLOCK  ADVISORY  WRITE 4711 fe:01:131090 0 EOF
  const held = readFileSync('/proc/locks', 'latin1')
    .split('\n')
    .some(
      (line) => line.includes('FLOCK') && line.includes(`:${lock.ino} `) && !line.includes('->'),
    )
  return held || isLockedByName(lock.dev, lock.ino) ? whoHasLock(tree) : null
}

/** What the holder wrote into the lock: `PID on HOST`. */
export function whoHasLock(tree: DiskTree): string {
  const fd = createPrivate(tree, 'lock')
  try {
    const text = Buffer.alloc(256)
    return text.toString('utf8', 0, readSync(fd, text, 0, 256, 0)).trim()
  } finally {
    closeSync(fd)
  }
}
