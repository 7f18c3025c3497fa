/** `prsync serve` as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { PROGRAM } from './program.js'

export type Service = {
  readonly child: ChildProcess /** Resolves when its standard error has it. */
  said(what: RegExp): Promise<void>
}

/** `prsync serve …`, killed at the end of the test. */
export function startService(t: Test, ...args: string[]): Service {
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = spawn(process.execPath, [PROGRAM, 'serve', ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let heard = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    heard += text
  })
  const said = async (what: RegExp): Promise<void> => {
    while (!what.test(heard)) {
      if (child.exitCode !== null) throw new Error(`it ended: ${heard}`)
      const over = new AbortController()
      const { signal } = over
      const either = [once(child.stderr, 'data', { signal }), once(child, 'close', { signal })]
      await Promise.race(either)
      over.abort()
      await Promise.allSettled(either)
    }
  }
  return { child, said }
}
