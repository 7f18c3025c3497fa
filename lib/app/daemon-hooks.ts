/** Programs of a module, and what they are told. rsyncd.conf(5), pre-xfer exec. */
import { StartupError } from '../base/errors.js'
import { type Environment, rawOf, textOf, type Values } from '../options/conf.js'
import type { PeerInfo } from '../rsync/host-access.js'

type Hook = 'early exec' | 'pre-xfer exec' | 'post-xfer exec' | 'name converter'

/** What a shell could act on, also a second one behind the first. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const SHELL_ACTS_ON = /[\x00-\x20\x7f'"`$\\;&|<>()*?[\]#!~{}]/

/**
 * Null: the module has none. @throws {StartupError} where a variable of the connection, which may be the client's own word, holds
 * what is not for a shell
 */
export function hookCommand(values: Values, name: Hook, env: Environment): string | null {
  for (const [whole, variable = ''] of rawOf(values, name).matchAll(/%(RSYNC_\w+)(?=%)/g))
    if (SHELL_ACTS_ON.test(env[variable] ?? ''))
      throw new StartupError(`refusing to run shell hook: ${whole}% holds a shell metacharacter`)
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
