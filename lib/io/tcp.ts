/** A Link over TCP: connect with a time limit, listen on any port. */
import { setMaxListeners } from 'node:events'
import net from 'node:net'
import { type PrsyncError, SocketError, StartupError, TimeoutError } from '../base/errors.js'
import type { Link } from '../host.js'
import { quickAcks } from './quick-ack.js'
import { ReadRing } from './read-ring.js'
import { StreamLink } from './stream-link.js'

export type TcpAddress = { readonly host: string; readonly port: number }
export type TcpLink = Link & { readonly remote: TcpAddress }

export type TcpListener = {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly local: TcpAddress
  /** Takes no more connections; those there live on. */
  close(): Promise<void>
}

export type TcpOptions = {
  /** The address to connect from. */
  readonly from?: string
  readonly family?: 4 | 6
  readonly keepAlive?: boolean
  /** What is read stands until the next read but one, and no longer: see ReadRing. */
  readonly reusesMemory?: boolean
  /** What it is when nobody answers in time. */
  readonly late?: (message: string) => PrsyncError
}

/**
 * @param timeoutMs 0: as long as the system tries
 * @throws {SocketError} when nobody listens there, {TimeoutError} after `timeoutMs`.
 */
export function connectTcp(
  to: TcpAddress,
  timeoutMs: number,
  signal: AbortSignal,
  how: TcpOptions = {},
): Promise<TcpLink> {
  const late = how.late ?? ((message: string) => new TimeoutError(message))
  const ring = how.reusesMemory === true ? new ReadRing() : null
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      host: to.host,
      port: to.port,
      noDelay: true,
      keepAlive: how.keepAlive ?? false,
      ...(how.from === undefined ? {} : { localAddress: how.from }),
      ...(how.family === undefined ? {} : { family: how.family }),
      ...(ring === null ? {} : { onread: ring.options }),
    })
    const where = `${to.host}:${to.port}`
    const settle = (done: () => void): void => {
      socket.removeAllListeners()
      clearTimeout(timer)
      signal.removeEventListener('abort', stopped)
      done()
    }
    const fail = (error: unknown): void =>
      settle(() => {
        socket.on('error', () => {}) // late news of a socket that is given up
        socket.destroy()
        reject(error)
      })
    const stopped = (): void => fail(signal.reason)
    const timer =
      timeoutMs === 0
        ? undefined
        : setTimeout(
            () => fail(late(`no connection to ${where} within ${timeoutMs} ms`)),
            timeoutMs,
          )
    socket.once('connect', () => settle(() => resolve(new SocketLink(socket, ring))))
    socket.once('error', (cause) => fail(new SocketError(`${where}: ${cause.message}`, { cause })))
    signal.addEventListener('abort', stopped, { once: true })
    if (signal.aborted) stopped()
  })
}

/**
 * Listens until closed; each connection is the callback's to close.
 * @param most connections at a time; more are refused
 * @throws {StartupError} when the address cannot be had.
 */
export function listenTcp(
  at: TcpAddress,
  most: number,
  onLink: (link: TcpLink) => void,
): Promise<TcpListener> {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ noDelay: true }, (socket) =>
      onLink(new SocketLink(socket, null)),
    )
    server.maxConnections = most
    server.once('error', (cause) =>
      reject(
        new StartupError(`cannot listen on ${at.host}:${at.port}: ${cause.message}`, { cause }),
      ),
    )
    server.listen(at.port, at.host, () => {
      const bound = server.address()
      const port = bound !== null && typeof bound === 'object' ? bound.port : at.port
      resolve({
        local: { host: at.host, port },
        // its callback would wait for the connections, which are not ours to end; the port is free at once
        close: async () => {
          server.close()
        },
      })
    })
  })
}

/** Every connection listens to this signal: Node need not suspect a leak. */
export function expectListeners(signal: AbortSignal): void {
  setMaxListeners(0, signal)
}

class SocketLink extends StreamLink implements TcpLink {
  readonly remote: TcpAddress

  constructor(socket: net.Socket, ring: ReadRing | null) {
    super(socket, socket, ring, ring === null ? null : quickAcks(socket))
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
  }
}
