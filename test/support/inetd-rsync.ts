/** The real rsync's answer to what a client says, asked as inetd does: all that a client says at once, and no more. */
import { spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'

export function askRealDaemon(
  config: string,
  says: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn(
    'sh',
    ['-c', `exec rsync --daemon --config='${config}' 0<&3 1>&3 2>/dev/null`],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    },
  )
  const socket = child.stdio[3] as Duplex
  let heard = ''
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
    })
    socket.on('error', () => {}) // it left before it heard all
    child.once('close', () => resolve(heard))
    socket.end(Buffer.from(says, 'latin1'))
  })
}
