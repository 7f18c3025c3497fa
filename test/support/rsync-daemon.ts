/** The real rsync as a daemon on a port of its own choosing: a connection each is handed to it as inetd does. */
import { spawn } from 'node:child_process'
import net from 'node:net'

export type RealDaemon = {
  readonly port: number
  /** Settles when no connection is served any more. */
  idle(): Promise<void>
  close(): Promise<void>
}

/** @param command words, of which the first is run with the connection as its standard input */
export function serveAsInetd(command: readonly string[]): Promise<RealDaemon> {
  const [program = '', ...args] = command
  const running = new Set<Promise<void>>()
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    // Without the test runner's loader, which would leave its files in a module that is the root.
    const child = spawn('env', ['-u', 'NODE_OPTIONS', program, ...args], {
      stdio: [socket, socket, 'ignore'],
    })
    const over = new Promise<void>((resolve) => child.once('close', () => resolve()))
    running.add(over)
    void over.then(() => running.delete(over))
    socket.destroy()
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo
      resolve({
        port,
        idle: async () => {
          await Promise.all(running)
        },
        close: async () => {
          server.close()
          await Promise.all(running)
        },
      })
    })
  })
}
export function serveRealRsync(config: string): Promise<RealDaemon> {
  return serveAsInetd(['rsync', '--daemon', `--config=${config}`])
}
