/** Debian's rsync, the judge of everything that is done in its place. */
import { spawnSync } from 'node:child_process'
import { PROGRAM } from './program.js'

const found = spawnSync('rsync', ['--version'], { encoding: 'utf8' })

/** For tap: false where it is there, in the version whose ways are copied. */
export const noRsync: string | false = /^rsync {2}version 3\.5\./.test(found.stdout ?? '')
  ? false
  : 'needs the Debian package rsync, 3.5'
/** The same, for what only root may do. */
export const noRsyncAsRoot: string | false =
  noRsync || (process.geteuid?.() === 0 ? false : 'owners and devices need root')

/** In front of a command line: without any rights. */
export const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const
/** For what nobody does, who has to be let to the program. */
export const noRsyncAsNobody: string | false =
  noRsyncAsRoot ||
  (spawnSync(NOBODY[0], [...NOBODY.slice(1), 'test', '-r', PROGRAM]).status === 0
    ? false
    : 'stands where nobody may not read')

export type Said = {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Output one char per byte. */
export function rsync(args: readonly string[], cwd: string, input = ''): Said {
  return spawnSync('rsync', args, {
    cwd,
    input,
    encoding: 'latin1',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
}
