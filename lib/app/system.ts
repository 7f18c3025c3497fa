/** The machine's own things that commands need: where state goes, signals, the service manager. */

import type { Link } from '../host.js'
import { systemRandom } from '../io/clock.js'
import { isRoot } from '../io/confine.js'
import { isSocket, socketLink } from '../io/stdio-link.js'

export { systemClock } from '../io/clock.js'
export { startDetached } from '../io/daemon-listener.js'
export { machineLacks } from '../io/libc.js'
export { defaultState, hangups, notifyReady } from '../io/service.js'
export { connectionCame, isSpare } from '../io/spare-process.js'
export { stdioLink } from '../io/stdio-link.js'
export { readText, writeFile } from '../io/text-file.js'
export { systemRandom }

/** A seed for sums that nobody knows before: 31 bits, not 0. */
export function defaultSeed(): number {
  return 1 + systemRandom.below(2 ** 31 - 2)
}

/** The connection that inetd gave us as standard input; null: it gave none. */
export function inheritedLink(): { readonly link: Link; readonly address: string | null } | null {
  if (!isSocket(0)) return null
  const link = socketLink(0)
  return { link, address: link.remote?.host ?? null }
}

/** rsync(1) --config. @param isBehindShell then another user has his own, in his home directory */
export function defaultConfig(isBehindShell: boolean): string {
  return isBehindShell && !isRoot() ? 'rsyncd.conf' : '/etc/rsyncd.conf'
}
