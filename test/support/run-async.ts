/** A program to its end, while this process goes on serving it. */
import { spawn } from 'node:child_process'
import type { Said } from './real-rsync.js'

/** Output one char per byte. */
export function runAsync(program: string, args: readonly string[], cwd: string): Promise<Said> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      said[name] += chunk.toString('latin1')
    })
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, ...said })))
}
