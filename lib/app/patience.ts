/** Asking a centre again that hung up: a crowd of nodes may have more questions at once than it takes. */
import { HungUpError } from '../base/errors.js'
import type { Clock, Random } from '../host.js'

/** Before the second question, the third, and so on; a refused connection is no such case and is told at once. */
const PAUSES_MS = [500, 1000, 2000, 4000, 8000]

/** @param ask may be called again after it threw {HungUpError} @throws what the last of them threw */
export async function patiently<T>(
  ask: () => Promise<T>,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): Promise<T> {
  for (const pause of PAUSES_MS) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof HungUpError)) throw error
    }
    // Who came together does not come together again.
    await clock.sleep(pause / 2 + random.below(pause), signal)
  }
  return ask()
}
