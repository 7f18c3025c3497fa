/**
 * The directory that a daemon's connection never leaves. It holds for the whole process, which serves this one connection:
 * docs/decisions/0028-a-process-for-each-connection.md. Paths are one char per byte.
 */
import { closeSync, lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { bytesOf, latin1Of } from '../base/bytes.js'
import { codeOf, FileError } from '../base/errors.js'
import { libc } from './libc.js'

const bytes = (path: string): Buffer => Buffer.from(path, 'latin1')

/** Where all paths have to lead; null: anywhere. */
let boundary: string | null = null

let hasOtherRoot = false
/** Held open where a module is kept by path behind `daemon chroot`. */
let proc: number | null = null
/** chroot(2) was called: nothing leads out of it any more, and there is no /proc to be counted on. @param held /proc, open */
export function rootChanged(held: number | null): void {
  hasOtherRoot = true
  proc = held
}
export function isBehindRoot(): boolean {
  return hasOtherRoot
}

/** For the rest of this process nothing outside of a directory is looked at, made or read. @param root without links */
export function keepWithin(root: string): void {
  boundary = root === '/' ? null : root
}
export function isKeptWithin(): boolean {
  return boundary !== null
}

/** Does a path, or the part of it that stands, lead there? @param root null: anywhere */
export function isInside(path: string, root: string | null = boundary): boolean {
  if (root === null) return true
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    const stands = at === '' ? (path.startsWith('/') ? '/' : '.') : at
    try {
      return isBelow(realpathSync(bytes(stands), 'latin1'), root)
    } catch (error) {
      // A link that leads nowhere could be led anywhere by what is made next. Below a file there is nothing to lead.
      const code = codeOf(error)
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || isLink(stands)) return false
      if (at === '') return false
    }
  }
}

/** What was opened, whatever link was switched on the way: closed again where it is not inside. @throws {FileError} */
export function insideOnly(fd: number, name: string, root: string | null = boundary): number {
  if (root === null) return fd
  if (isBelow(pathOfOpen(fd), root)) return fd
  closeSync(fd)
  throw outside(name)
}

function pathOfOpen(fd: number): string {
  if (proc === null) return readlinkSync(`/proc/self/fd/${fd}`, 'latin1')
  return latin1Of(libc().readlinkAt(proc, bytesOf(`self/fd/${fd}`)))
}

export function outside(path: string): FileError {
  return new FileError(`${path} leads out of where it may lead`)
}

function isBelow(real: string, root: string): boolean {
  return real === root || real.startsWith(`${root}/`)
}
function isLink(path: string): boolean {
  try {
    return lstatSync(bytes(path)).isSymbolicLink()
  } catch {
    // What cannot be looked at is for the look at what is above it.
    return false
  }
}
