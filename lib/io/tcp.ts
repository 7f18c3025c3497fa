/** A Link over TCP: connect with a time limit, listen on any port. What comes is pulled; a write settles when the kernel took it. */
import { setMaxListeners } from 'node:events'
import net from 'node:net'
import { SocketError, StartupError, TimeoutError } from '../base/errors.js'
import type { Link } from '../host.js'

export type TcpAddress = { readonly host: string; readonly port: number }
export type TcpLink = Link & { readonly remote: TcpAddress }

export type TcpListener = {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly local: TcpAddress
  /** Takes no more connections; those there live on. */
  close(): Promise<void>
}

/** Received bytes that nobody has read, above which the sender is made to wait. */
const UNREAD_BYTES = 512 * 1024

/** @throws {SocketError} when nobody listens there, {TimeoutError} after `timeoutMs`. */
export function connectTcp(
  to: TcpAddress,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<TcpLink> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: to.host, port: to.port, noDelay: true })
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
    const timer = setTimeout(
      () => fail(new TimeoutError(`no connection to ${where} within ${timeoutMs} ms`)),
      timeoutMs,
    )
    socket.once('connect', () => settle(() => resolve(new SocketLink(socket))))
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
    const server = net.createServer({ noDelay: true }, (socket) => onLink(new SocketLink(socket)))
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

class SocketLink implements TcpLink {
  readonly remote: TcpAddress
  readonly #socket: net.Socket
  readonly #unread: Uint8Array[] = []
  #unreadBytes = 0
  #ended = false
  #fault: SocketError | null = null
  #wake: (() => void) | null = null
  #writing = false

  constructor(socket: net.Socket) {
    this.#socket = socket
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    socket.on('data', (chunk: Uint8Array) => {
      this.#unread.push(chunk)
      this.#unreadBytes += chunk.length
      if (this.#unreadBytes > UNREAD_BYTES) socket.pause()
      this.#wake?.()
    })
    socket.on('error', (cause) => {
      this.#fault = new SocketError(cause.message, { cause })
    })
    const over = (): void => {
      this.#ended = true
      this.#wake?.()
    }
    socket.on('end', over)
    socket.on('close', over)
  }

  async read(signal: AbortSignal): Promise<Uint8Array | null> {
    for (;;) {
      signal.throwIfAborted()
      const chunk = this.#unread.shift()
      if (chunk !== undefined) {
        this.#unreadBytes -= chunk.length
        if (this.#unreadBytes === 0) this.#socket.resume()
        return chunk
      }
      if (this.#fault !== null) throw this.#fault
      if (this.#ended) return null
      await this.#news(signal)
    }
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopped = (): void => reject(signal.reason)
      if (signal.aborted) return stopped()
      signal.addEventListener('abort', stopped, { once: true })
      this.#writing = true
      this.#socket.write(bytes, (cause) => {
        this.#writing = false
        signal.removeEventListener('abort', stopped)
        if (cause) reject(this.#fault ?? new SocketError(cause.message, { cause }))
        else resolve()
      })
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) return resolve()
      this.#socket.once('close', () => resolve())
      // what is half written is given up; what the kernel took still goes out
      if (this.#writing) this.#socket.destroy()
      else this.#socket.destroySoon()
    })
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake = null
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#wake = wake
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}
