/** Waiting for the next message of a channel, and no longer: who says nothing is let go. */
import type { Clock } from '../host.js'
import type { TextSocket } from '../io/ws.js'

/** The next message within its time, else the socket is closed; null: it ended. */
export async function heardWithin(
  socket: TextSocket,
  ms: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | null> {
  const scope = new AbortController()
  const either = AbortSignal.any([scope.signal, signal])
  const late = clock
    .sleep(ms, either)
    .then(() => socket.close())
    .catch((error: unknown) => {
      if (!either.aborted) throw error
    })
  try {
    return await socket.read(signal)
  } finally {
    scope.abort()
    await late
  }
}
