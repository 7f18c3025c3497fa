/** Structured concurrency: tasks that live and die together. */

/**
 * Runs every task at once. The first failure aborts the others; the call settles only when
 * all have settled, so nothing is left running behind the caller's back.
 * @throws the first failure, or `signal.reason`.
 */
export async function together(
  signal: AbortSignal,
  ...tasks: ReadonlyArray<(signal: AbortSignal) => Promise<void>>
): Promise<void> {
  const scope = new AbortController()
  const stop = (): void => scope.abort(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await Promise.allSettled(
      tasks.map(async (task) => {
        try {
          await task(scope.signal)
        } catch (error) {
          scope.abort(error) // only the first abort sets the reason
          throw error
        }
      }),
    )
  } finally {
    signal.removeEventListener('abort', stop)
  }
  scope.signal.throwIfAborted()
}

/** Runs `task` over the items, at most `width` at a time; stops at the first failure. */
export async function overAll<T>(
  items: Iterable<T>,
  width: number,
  signal: AbortSignal,
  task: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]()
  const lane = async (inner: AbortSignal): Promise<void> => {
    for (;;) {
      inner.throwIfAborted()
      const next = left.next()
      if (next.done === true) return
      await task(next.value, inner)
    }
  }
  await together(signal, ...Array.from({ length: width }, () => lane))
}
