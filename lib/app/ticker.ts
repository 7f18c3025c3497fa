/** Acts again and again until it is told to stop; never while it runs. */
import type { Clock } from '../host.js'

export async function each(
  ms: number,
  clock: Clock,
  act: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    act()
    await clock.sleep(ms, signal).catch(() => {}) // the loop's condition says why
  }
}
