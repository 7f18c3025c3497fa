/** One writer a tree: flock(2) on a file that says who. The kernel lets go of it when the owner dies, however it dies. */
import { closeSync, ftruncateSync, readSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { needLibc } from './libc.js'
import type { DiskTree } from './tree.js'

export type Lock = { /** Twice is fine. */ release(): void }

/** Null where another process has it and we do not wait. */
export async function lockTree(
  tree: DiskTree,
  wait: boolean,
  signal: AbortSignal,
): Promise<Lock | null> {
  const fd = tree.createPrivate('lock')
  try {
    while (!needLibc('flock').lock(fd)) {
      if (!wait) {
        closeSync(fd)
        return null
      }
      await sleep(500, undefined, { signal })
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  ftruncateSync(fd)
  writeSync(fd, `${process.pid} on ${hostname()}\n`, 0)
  let held = true
  return {
    release: () => {
      if (held) closeSync(fd)
      held = false
    },
  }
}

/** What the holder wrote into the lock: `PID on HOST`. */
export function whoHasLock(tree: DiskTree): string {
  const fd = tree.createPrivate('lock')
  try {
    const text = Buffer.alloc(256)
    return text.toString('utf8', 0, readSync(fd, text, 0, 256, 0)).trim()
  } finally {
    closeSync(fd)
  }
}
