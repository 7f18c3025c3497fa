/**
 * A centre's modules for rsync's clients: `prsync --daemon` with a configuration of the centre's own making, so that nothing is
 * told twice and no client holds up the centre. docs/decisions/0034-a-centre-for-rsync.md.
 */
import { bytesOf, latin1Of } from '../base/bytes.js'
import { StartupError } from '../base/errors.js'
import { mayEnter } from '../base/fair-places.js'
import { LIMITS } from '../base/limits.js'
import { isRoot } from '../io/confine.js'
import { listenForProcesses, type ProcessListener } from '../io/daemon-listener.js'
import { realPath } from '../io/operator.js'
import { writeFile } from '../io/text-file.js'
import { formatFull } from '../wire/greeting.js'

export type RsyncFace = {
  readonly listen: { readonly host: string; readonly port: number }
  /** Words that start this program. */
  readonly program: readonly string[]
}

type Centre = {
  readonly modules: readonly { readonly name: string; readonly directory: string }[]
  readonly state: string
  /** Bytes a second; null: no limit. */
  readonly uploadRate: number | null
}

/** @throws {StartupError} where the port cannot be had, or a directory cannot be written in a configuration */
export function openRsyncFace(face: RsyncFace, centre: Centre): Promise<ProcessListener> {
  const { state, uploadRate } = centre
  const config = `${state}/rsyncd.conf`
  const real = (path: string): string => realPath(latin1Of(Buffer.from(path)))
  const modules = centre.modules.map((each) => ({ ...each, directory: real(each.directory) }))
  writeFile(config, bytesOf(faceConf(modules, real(state), uploadRate, isRoot())), true)
  const words = [...face.program, '--daemon', '--no-detach', `--config=${config}`]
  const most = LIMITS.daemonProcesses
  const limit = { most, admits: mayEnter, refusal: formatFull(most) }
  return listenForProcesses({ ...face.listen, backlog: BACKLOG }, words, limit)
}

const BACKLOG = 64
/** Of one module; of all together LIMITS.daemonProcesses. */
const MOST_CLIENTS = 100

/** As the centre itself sees its files, and only what it has published of them. Paths have one char per byte. @throws {StartupError} */
export function faceConf(
  modules: Centre['modules'],
  state: string,
  uploadRate: number | null,
  asRoot: boolean,
): string {
  const lines = [
    '# Written by prsync serve at each start.',
    'read only = yes',
    'syslog tag = prsync',
    `max connections = ${MOST_CLIENTS}`,
    `lock file = ${plain(state)}/rsync.lock`,
    ...(uploadRate === null ? [] : [`uplink = ${Math.max(512, uploadRate)}b`]),
    ...(asRoot ? ['uid = 0', 'gid = 0'] : []),
  ]
  for (const { name, directory } of modules)
    lines.push(
      `[${name}]`,
      `path = ${plain(directory)}`,
      `published by = ${plain(state)}/modules/${name}`,
    )
  return `${lines.join('\n')}\n`
}

/** A configuration has no way to write these. */
function plain(path: string): string {
  if (/[\n\r%]|\\$|^\s|\s$|\/\.\//.test(path))
    throw new StartupError(
      `--rsync-listen: ${path} cannot be written in a configuration; rename it`,
    )
  return path
}
