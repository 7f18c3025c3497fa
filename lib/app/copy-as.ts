/**
 * --copy-as: from here on the whole process is somebody else, as rsync's are; there is no way back. What the caller alone may
 * read, rules and lists of names, is read before; logs and connections stay open. rsync(1).
 */
import { messageOf, UnsupportedError, UsageError } from '../base/errors.js'
import { confine, groupNumber, groupsOfUser, userNumber } from '../io/confine.js'
import { parseRsyncLine } from '../options/rsync-line.js'

/** @param text `USER[:GROUP]`; null: nothing is asked for @throws {UsageError} */
export function becomeCopyUser(text: string | null): void {
  if (text === null) return
  try {
    confine({ directory: null, ...idsOf(text) })
  } catch (error) {
    throw error instanceof UsageError
      ? error
      : new UsageError(`--copy-as=${text}: ${messageOf(error)}`, { cause: error })
  }
}

/** Both ends of a local copy are one process, which cannot be two users. @throws {UnsupportedError} {UsageError} */
export function checkOneSided(remoteOptions: readonly string[]): void {
  parseRsyncLine(remoteOptions)
  const found = remoteOptions.find((word) => /^--(copy-as|confine-root)(=|$)/.test(word))
  if (found !== undefined)
    throw new UnsupportedError(
      `${found} for one side of a local copy is not built: let -e start a server for that side`,
    )
}

function idsOf(text: string): { readonly uid: number; readonly gids: readonly number[] } {
  const colon = text.indexOf(':')
  const user = colon < 0 ? text : text.slice(0, colon)
  const uid = user === '' ? null : userNumber(user)
  if (uid === null) throw new UsageError(`Invalid copy-as user: ${user}`)
  if (colon < 0) {
    const gids = groupsOfUser(user)
    if (gids.length === 0) throw new UsageError(`no groups are known of copy-as user: ${user}`)
    return { uid, gids }
  }
  const group = text.slice(colon + 1)
  const gid = group === '' ? null : groupNumber(group)
  if (gid === null) throw new UsageError(`Invalid copy-as group: ${group}`)
  return { uid, gids: [gid] }
}
