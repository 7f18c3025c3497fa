/** Programs that a daemon runs before and after a transfer. rsyncd.conf(5), pre-xfer exec. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Surroundings } from './child.js'

export type HookResult = {
  /** As waitpid(2) has it; 0: all is well. */
  readonly rawStatus: number
  /** What it said, one char per byte. */
  readonly output: string
}

const DEFAULT_SHELL = '/bin/sh'
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}
const NOT_FOUND = 127 << 8

export function shellOf(env: Surroundings): string {
  return env['RSYNC_SHELL'] ?? DEFAULT_SHELL
}

/**
 * Runs a command line and waits for its end.
 * @param mostOutput bytes that are kept of what it says; the rest is let go
 */
export function runHook(
  command: string,
  env: Surroundings,
  input: Uint8Array,
  mostOutput: number,
): Promise<HookResult> {
  const child = spawn(shellOf(env), ['-c', Buffer.from(command, 'latin1').toString('utf8')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...env },
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (output.length < mostOutput) output += chunk.toString('latin1')
  })
  child.stdin.on('error', () => {}) // it need not read
  child.stdin.end(input)
  return ended(child).then((rawStatus) => ({ rawStatus, output: output.slice(0, mostOutput) }))
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(NOT_FOUND))
    child.once('close', (code, name) =>
      resolve(code === null ? (SIGNAL_NUMBERS[name ?? ''] ?? 15) : code << 8),
    )
  })
}

export type LateHook = {
  /** Runs it with the status of the transfer. */
  run(status: number): Promise<void>
}

/**
 * A shell that waits for the transfer to end: it was started before we gave our rights away, and it notices if we crash.
 * That is told as status -1, and a raw status of a process that was killed.
 */
const WAITING = `read -r RSYNC_EXIT_STATUS RSYNC_RAW_STATUS || { RSYNC_EXIT_STATUS=-1; RSYNC_RAW_STATUS=9; }
export RSYNC_EXIT_STATUS RSYNC_RAW_STATUS
exec "$0" -c "$1" </dev/null`

export function prepareLateHook(command: string, env: Surroundings): LateHook {
  const text = Buffer.from(command, 'latin1').toString('utf8')
  const child = spawn(DEFAULT_SHELL, ['-c', WAITING, shellOf(env), text], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { ...env },
  })
  child.stdin.on('error', () => {}) // killed by somebody
  const over = ended(child)
  return {
    async run(status) {
      child.stdin.end(`${status} ${status << 8}\n`)
      await over
    },
  }
}
