/**
 * A port whose every connection becomes a process, with the socket as its standard input: as inetd does it. One process waits for
 * its connection ahead of time; a connection that comes when there is none has one started for it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import net from 'node:net'
import { StartupError } from '../base/errors.js'
import { daemonCalls } from './libc-daemon.js'
import { SpareProcess } from './spare-process.js'
import type { TcpAddress } from './tcp.js'

export type ProcessListener = {
  /** The real port when 0 was asked for. */
  readonly local: TcpAddress
  /** Takes no more connections, and ends those that there are. */
  close(): Promise<void>
}

/** A process is started ahead when nobody came for so long: it must not slow down those who did. */
const QUIET_MS = 1000

/**
 * @param words of the program to start, itself first @param most connections at a time; more are refused
 * @throws {StartupError} when the address cannot be had
 */
export function listenForProcesses(
  at: { readonly host: string | null; readonly port: number; readonly backlog: number },
  words: readonly string[],
  most: number,
): Promise<ProcessListener> {
  const [program = '', ...args] = words
  const children = new Map<ChildProcess, Promise<void>>()
  let spare: SpareProcess | null = null
  const keep = (child: ChildProcess): void => {
    const over = new Promise<void>((resolve) => child.once('close', () => resolve()))
    children.set(
      child,
      over.then(() => void children.delete(child)),
    )
  }
  const quiet = setTimeout(() => {
    if (daemonCalls() === null) return
    spare = new SpareProcess(words)
    keep(spare.child)
  }, QUIET_MS)
  quiet.unref()
  const server = net.createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on('error', () => {}) // it left before anybody served it
    if (spare?.takes(socket) === true) spare = null
    else {
      const child = spawn(program, args, { stdio: [socket, 'ignore', 'inherit'] })
      child.once('error', () => socket.destroy())
      keep(child)
      // The child has its own hold of it.
      socket.destroy()
    }
    if (spare?.isGone !== false) quiet.refresh()
  })
  server.maxConnections = most
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new StartupError(`cannot listen on port ${at.port}: ${cause.message}`, { cause })),
    )
    const where = {
      port: at.port,
      backlog: at.backlog,
      ...(at.host === null ? {} : { host: at.host }),
    }
    server.listen(where, () => {
      const bound = server.address()
      const local = bound !== null && typeof bound === 'object' ? bound : null
      resolve({
        local: { host: local?.address ?? '', port: local?.port ?? at.port },
        close: async () => {
          clearTimeout(quiet)
          server.close()
          for (const child of children.keys()) child.kill()
          await Promise.all(children.values())
        },
      })
    })
  })
}

/** The same program again, on its own: for a daemon that leaves its terminal. */
export function startDetached(words: readonly string[]): void {
  const [program = '', ...args] = words
  spawn(program, args, { stdio: 'ignore', detached: true, cwd: '/' }).unref()
}
