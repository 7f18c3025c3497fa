/** Programs of a module, and what they are told. rsyncd.conf(5), pre-xfer exec. */
import { type Environment, textOf, type Values } from '../options/conf.js'
import type { PeerInfo } from '../rsync/host-access.js'

/** Null: the module has none. */
export function hookCommand(
  values: Values,
  name: 'early exec' | 'pre-xfer exec' | 'post-xfer exec',
  env: Environment,
): string | null {
  return textOf(values, name, env) || null
}

/** Variables that the configuration and the programs of a module see. */
export function moduleEnvironment(
  env: Environment,
  name: string,
  path: string,
  peer: PeerInfo,
  user: string,
): Environment {
  return {
    ...env,
    RSYNC_MODULE_NAME: name,
    RSYNC_MODULE_PATH: path,
    RSYNC_HOST_ADDR: peer.address,
    RSYNC_HOST_NAME: peer.name,
    RSYNC_USER_NAME: user,
    RSYNC_PID: String(process.pid),
  }
}
