/** The machine's own things that commands need: where state goes, signals, the service manager. */
export { systemClock, systemRandom } from '../io/clock.js'
export { machineLacks } from '../io/libc.js'
export { defaultState, hangups, notifyReady } from '../io/service.js'
export { readText, writeFile } from '../io/text-file.js'
