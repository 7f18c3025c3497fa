/** A process that leaves its rights behind: another root, other groups, another user. There is no way back. */
import { execFileSync } from 'node:child_process'
import { constants, openSync, readlinkSync, statSync } from 'node:fs'
import { FileError, messageOf, StartupError } from '../base/errors.js'
import { rootChanged } from './boundary.js'
import { libc } from './libc.js'
import { daemonCalls } from './libc-daemon.js'
import { rawCalls } from './libc-raw.js'

export type Confinement = {
  /** Where the process works from now on, one char per byte; null: where it is. */
  readonly directory: string | null
  readonly uid: number | null
  /** The first is the group, all are the supplementary ones; null: they stay. */
  readonly gids: readonly number[] | null
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0
}

/**
 * Makes a directory the root of all that this process sees. After that nothing of the program can be loaded from files any
 * more; what all sessions need is loaded here. @param path one char per byte @param keepsProc what is opened can still be looked
 * at, for a second boundary @returns false: it cannot be had
 */
export function changeRoot(path: string, keepsProc = false): boolean {
  const calls = isRoot() ? daemonCalls() : null
  if (calls === null) return false
  libc()
  rawCalls()
  // Read from files at its first use.
  new Date().getTimezoneOffset()
  const proc = keepsProc ? openSync('/proc', constants.O_RDONLY | constants.O_DIRECTORY) : null
  if (calls.chroot(Buffer.from(path, 'latin1')) !== 0) return false
  rootChanged(proc)
  process.chdir('/')
  return true
}

/** Can a process of these rights work there? Asked as root, who is root again afterwards. */
export function canWorkIn({ directory, uid, gids }: Confinement): boolean {
  if (!isRoot() || directory === null) return true
  const [gid] = gids ?? []
  try {
    if (gid !== undefined) process.setegid?.(gid)
    if (uid !== null) process.seteuid?.(uid)
    statSync(Buffer.from(`${directory}/.`, 'latin1'))
    return true
  } catch {
    return false
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

/** @throws {StartupError}, half done: the process must end */
export function confine({ directory, uid, gids }: Confinement): void {
  try {
    const [gid] = gids ?? []
    if (gids !== null && gid !== undefined) {
      process.setgroups?.([...gids])
      process.setgid?.(gid)
    }
    if (uid !== null) process.setuid?.(uid)
    if (directory !== null) {
      process.chdir(Buffer.from(directory, 'latin1').toString('utf8'))
      if (!isWorkingIn(directory)) throw new FileError('a link stands in its place')
    }
  } catch (cause) {
    const what = directory === null ? 'become another user' : `be confined to ${directory}`
    throw new StartupError(`cannot ${what}: ${messageOf(cause)}`, { cause })
  }
}

/** @param directory without links, one char per byte */
function isWorkingIn(directory: string): boolean {
  try {
    return readlinkSync('/proc/self/cwd', 'latin1') === directory
  } catch {
    // Behind another root: there is no /proc, and no way out.
    return true
  }
}

/** Name or number; null: there is no such user. */
export function userNumber(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : libc().userId(text)
}
export function groupNumber(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : libc().groupId(text)
}

/** The groups of a user of this machine, his own first; none for anybody else. @param user a name, or a number */
export function groupsOfUser(user: string): readonly number[] {
  if (!/^[^-\0\s][^\0]*$/.test(user)) return []
  try {
    const said = execFileSync('id', ['-G', '--', user], { encoding: 'latin1', stdio: 'pipe' })
    return said.trim().split(' ').map(Number)
  } catch {
    // It is how id says that there is no such user.
    return []
  }
}
export function groupNamesOf(user: string): readonly string[] {
  return groupsOfUser(user).flatMap((gid) => libc().groupName(gid) ?? [])
}
