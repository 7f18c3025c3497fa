/**
 * A port whose every connection becomes a process, with the socket as its standard input: as inetd does it. One process waits for
 * its connection ahead of time; a connection that comes when there is none has one started for it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import net from 'node:net'
import { StartupError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
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

export type ProcessLimit = {
  /** Connections served at a time. */
  readonly most: number
  /** May an address that has `ofAddress` of `ofAll` have one more? */
  readonly admits: (ofAddress: number, ofAll: number, most: number) => boolean
  /** Said to those that come when there are so many; one char per byte. */
  readonly refusal: string
}

export type ListenAt = {
  /** Null: all addresses. */
  readonly host: string | null
  readonly port: number
  readonly backlog: number
}

/**
 * @param words of the program to start, itself first
 * @throws {StartupError} when the address cannot be had
 */
export function listenForProcesses(
  at: ListenAt,
  words: readonly string[],
  { most, admits, refusal }: ProcessLimit,
): Promise<ProcessListener> {
  const [program = '', ...args] = words
  const children = new Map<ChildProcess, Promise<void>>()
  /** Whom each serves. */
  const served = new Map<ChildProcess, string>()
  let spare: SpareProcess | null = null
  const keep = (child: ChildProcess): void => {
    const over = new Promise<void>((resolve) => child.once('close', () => resolve()))
    children.set(
      child,
      over.then(() => {
        children.delete(child)
        served.delete(child)
      }),
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
    const address = socket.remoteAddress ?? ''
    const own = [...served.values()].filter((one) => one === address).length
    if (served.size >= most || !admits(own, served.size, most)) refuse(socket, refusal)
    else if (spare?.takes(socket) === true) {
      served.set(spare.child, address)
      spare = null
    } else {
      const child = spawn(program, args, { stdio: [socket, 'ignore', 'inherit'] })
      child.once('error', () => socket.destroy())
      keep(child)
      served.set(child, address)
      // The child has its own hold of it.
      socket.destroy()
    }
    if (spare?.isGone !== false) quiet.refresh()
  })
  // Those that are refused: who is served has left this process, and is counted by its own.
  server.maxConnections = most
  const close = async (): Promise<void> => {
    clearTimeout(quiet)
    server.close()
    for (const child of children.keys()) child.kill()
    await Promise.all(children.values())
  }
  return bound(server, at).then((local) => ({ local, close }))
}

/** Where it listens. */
function bound(server: net.Server, { host, port, backlog }: ListenAt): Promise<TcpAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new StartupError(`cannot listen on port ${port}: ${cause.message}`, { cause })),
    )
    server.listen({ port, backlog, ...(host === null ? {} : { host }) }, () => {
      const local = server.address()
      const isAddress = local !== null && typeof local === 'object'
      resolve(isAddress ? { host: local.address, port: local.port } : { host: '', port })
    })
  })
}

/** Until it has read why, or has had the time for it: what is closed with something unread is lost to the other side. */
function refuse(socket: net.Socket, words: string): void {
  const late = setTimeout(() => socket.destroy(), LIMITS.handshakeMs)
  socket.once('close', () => clearTimeout(late))
  socket.end(words, 'latin1')
  socket.resume()
}

/** The same program again, on its own: for a daemon that leaves its terminal. */
export function startDetached(words: readonly string[]): void {
  const [program = '', ...args] = words
  spawn(program, args, { stdio: 'ignore', detached: true, cwd: '/' }).unref()
}
