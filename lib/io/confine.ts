/** A process that leaves its rights behind: another root, other groups, another user. There is no way back. */
import { execFileSync } from 'node:child_process'
import { messageOf, StartupError } from '../base/errors.js'
import { libc } from './libc.js'
import { daemonCalls } from './libc-daemon.js'

export type Confinement = {
  /** One char per byte; null: the root stays. */
  readonly root: string | null
  /** Within that root; null: it stays. */
  readonly directory: string | null
  readonly uid: number | null
  /** The first is the group, all are the supplementary ones; null: they stay. */
  readonly gids: readonly number[] | null
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0
}

/**
 * After this nothing of the program can be loaded from files any more, where the root changes. @throws {StartupError}, half done:
 * the process must end
 */
export function confine(how: Confinement): void {
  try {
    if (how.root !== null) {
      // What reads files at its first use must not have it in there.
      new Date().getTimezoneOffset()
      if ((daemonCalls()?.chroot(Buffer.from(how.root, 'latin1')) ?? -1) !== 0)
        throw new StartupError('chroot failed')
      process.chdir('/')
    }
    const [gid] = how.gids ?? []
    if (how.gids !== null && gid !== undefined) {
      process.setgroups?.([...how.gids])
      process.setgid?.(gid)
    }
    if (how.uid !== null) process.setuid?.(how.uid)
    if (how.directory !== null) process.chdir(Buffer.from(how.directory, 'latin1').toString('utf8'))
  } catch (cause) {
    if (cause instanceof StartupError) throw cause
    const what = how.directory === null ? 'become another user' : `be confined to ${how.directory}`
    throw new StartupError(`cannot ${what}: ${messageOf(cause)}`, { cause })
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
