/** The system's clock and randomness. */
import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleepFor } from 'node:timers/promises'
import type { Clock, Random } from '../host.js'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await sleepFor(ms, undefined, { signal })
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
  },
}

export const systemRandom: Random = {
  bytes: (n) => randomBytes(n),
  below: (n) => randomInt(n),
}
