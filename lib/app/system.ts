/** The machine's own things that commands need: where state goes, signals, the service manager. */
import { systemRandom } from '../io/clock.js'

export { systemClock } from '../io/clock.js'
export { machineLacks } from '../io/libc.js'
export { defaultState, hangups, notifyReady } from '../io/service.js'
export { stdioLink } from '../io/stdio-link.js'
export { readText, writeFile } from '../io/text-file.js'
export { systemRandom }

/** A seed for sums that nobody knows before: 31 bits, not 0. */
export function defaultSeed(): number {
  return 1 + systemRandom.below(2 ** 31 - 2)
}
