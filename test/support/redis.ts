/** Debian's redis-server on a free port of loopback, that keeps nothing on disk. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { freePort, listening } from './ports.js'

export const noRedis: string | false =
  spawnSync('redis-server', ['--version']).status === 0
    ? false
    : 'needs the Debian package redis-server'

export type TestRedis = {
  readonly url: string
  start(): Promise<void>
  /** As a crash does: what it knew is gone. */
  kill(): Promise<void>
}

export async function startRedis(t: Test): Promise<TestRedis> {
  const port = await freePort()
  let child: ChildProcess | null = null
  const start = async (): Promise<void> => {
    const args = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    child = spawn('redis-server', ['--port', `${port}`, ...args], {
      stdio: 'ignore',
      cwd: t.testdirName,
    })
    await listening(port, child)
  }
  const kill = async (): Promise<void> => {
    if (child === null) return
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
    child = null
  }
  t.teardown(kill)
  await start()
  return { url: `redis://127.0.0.1:${port}`, start, kill }
}
