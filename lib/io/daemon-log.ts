/** A daemon's log: a file, or syslog. Opened before any chroot; lines are escaped, so that nobody writes lines of his own. */
import { openSync, writeSync } from 'node:fs'
import { displayName } from '../base/byte-name.js'
import { messageOf } from '../base/errors.js'
import { daemonCalls } from './libc-daemon.js'
import { trustedPath } from './operator.js'

/** @param isError told to syslog as a warning, as rsync's errors of a session are; a file has no priorities */
export type DaemonLog = (line: string, isError?: boolean) => void

/** syslog(3), by name; their numbers are shifted by three. */
const FACILITIES: Readonly<Record<string, number>> = {
  ...{ kern: 0, user: 1, mail: 2, daemon: 3, auth: 4, security: 4, syslog: 5, lpr: 6, news: 7 },
  ...{ uucp: 8, cron: 9, authpriv: 10, ftp: 11, local0: 16, local1: 17, local2: 18, local3: 19 },
  ...{ local4: 20, local5: 21, local6: 22, local7: 23 },
}
const PRIORITY = { warning: 4, info: 6 } as const

export type LogPlace = {
  /** One char per byte; empty: syslog. */
  readonly file: string
  readonly facility: string
  readonly tag: string
}

/** A file that cannot be opened is told to syslog, which is used then. */
export function openDaemonLog(place: LogPlace): DaemonLog {
  if (place.file === '') return systemLog(place)
  let fd: number
  try {
    fd = openSync(Buffer.from(trustedPath(place.file), 'latin1'), 'a', 0o644)
  } catch (error) {
    const log = systemLog(place)
    log(`failed to open log-file ${place.file}: ${messageOf(error)}; ignoring "log file" setting`)
    return log
  }
  return (line) => {
    const shown = Buffer.from(
      `${stamp(new Date())} [${process.pid}] ${displayName(line)}\n`,
      'utf8',
    )
    writeSync(fd, shown)
  }
}

function systemLog(place: LogPlace): DaemonLog {
  const calls = daemonCalls()
  // Without a way to syslog there is standard error, which a supervisor keeps; it may be closed.
  if (calls === null) return (line) => void process.stderr.write(`${displayName(line)}\n`)
  calls.openLog(place.tag, (FACILITIES[place.facility.toLowerCase()] ?? 3) << 3)
  return (line, isError = false) =>
    calls.log(isError ? PRIORITY.warning : PRIORITY.info, displayName(line))
}

function stamp(at: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
