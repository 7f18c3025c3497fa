/** Ports for servers that cannot say which one they got. */
import type { ChildProcess } from 'node:child_process'
import net from 'node:net'

/** A port that nobody has now. @param host of loopback */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = net.createServer().listen(0, host)
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
/** Settles when something listens there. */
export async function listening(port: number, daemon: ChildProcess): Promise<void> {
  while (daemon.exitCode === null) {
    const socket = net.connect(port, '127.0.0.1')
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (isThere) return
  }
  throw new Error(`the daemon ended with ${daemon.exitCode}`)
}
