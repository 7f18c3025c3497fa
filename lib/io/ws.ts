/** The door of ws: WebSockets as texts that are pulled, both ends. Limits on what the other side can make us hold. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { messageOf, TryAgainError } from '../base/errors.js'
import { originForm } from '../base/http.js'
import { comingFrom } from './http-client.js'

export type TextSocket = {
  /** The next message, or null at the end, however it came. */
  read(signal: AbortSignal): Promise<string | null>
  /** Queues; look at `unsent` before giving more. Nothing happens on a socket that has ended. */
  write(text: string): void
  /** Bytes that the network has not taken yet. */
  readonly unsent: number
  /** At once, without waiting for the other side. Twice is fine. */
  close(): void
}

/** Messages nobody has read, above which the other side is made to wait. */
const UNREAD = 8
const CONNECT_MS = 10_000

export type WebSocketAcceptor = {
  /** For `HttpServerOptions.upgrade`. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Uint8Array) => void
}

/** A path, and how long its messages may be. What comes is its to close. */
export type SocketDoor = {
  readonly path: string
  readonly messageBytes: number
  readonly onSocket: (socket: TextSocket, address: string) => void
}

/** No other path is answered. @param addressOf who a client is, by who is connected and X-Forwarded-For */
export function acceptWebSockets(
  doors: readonly SocketDoor[],
  addressOf: (peer: string, forwarded: string | undefined) => string = (peer) => peer,
): WebSocketAcceptor {
  const open = doors.map((door) => {
    const options = { noServer: true, perMessageDeflate: false, clientTracking: false }
    return { ...door, server: new WebSocketServer({ ...options, maxPayload: door.messageBytes }) }
  })
  return {
    upgrade: (request, socket, head) => {
      const [asked] = originForm(request.url ?? '').split('?')
      const door = open.find(({ path }) => path === asked)
      if (door === undefined) {
        socket.on('error', () => socket.destroy()) // gone before it heard the answer
        socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
        return
      }
      const forwarded = request.headers['x-forwarded-for']
      const header = Array.isArray(forwarded) ? forwarded.join(',') : forwarded
      door.server.handleUpgrade(request, socket, Buffer.from(head), (opened) =>
        door.onSocket(
          new PulledSocket(opened),
          addressOf(request.socket.remoteAddress ?? '', header),
        ),
      )
    },
  }
}

/**
 * @param url `ws:` or `wss:` @param from the address of this machine to come from; null: as the system chooses
 * @throws {TryAgainError} where nobody answers, or not with a WebSocket
 */
export function connectWebSocket(
  url: URL,
  messageBytes: number,
  userAgent: string,
  signal: AbortSignal,
  from: string | null = null,
): Promise<TextSocket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    const opened = new WebSocket(url, {
      maxPayload: messageBytes,
      perMessageDeflate: false,
      handshakeTimeout: CONNECT_MS,
      headers: { 'user-agent': userAgent },
      ...comingFrom(from),
    })
    const stop = (): void => {
      opened.on('error', () => {}) // the news of our own ending of it
      opened.terminate()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', stop, { once: true })
    const fail = (cause: Error): void => {
      signal.removeEventListener('abort', stop)
      reject(new TryAgainError(`${url.href}: ${messageOf(cause)}`, { cause }))
    }
    opened.once('error', fail)
    opened.once('open', () => {
      opened.off('error', fail)
      signal.removeEventListener('abort', stop)
      resolve(new PulledSocket(opened))
    })
  })
}

class PulledSocket implements TextSocket {
  readonly #socket: WebSocket
  readonly #unread: string[] = []
  #isOver = false
  #wake: (() => void) | null = null

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data, isBinary) => {
      if (isBinary || !Buffer.isBuffer(data)) return this.close()
      this.#unread.push(data.toString('utf8'))
      if (this.#unread.length >= UNREAD) socket.pause()
      this.#wake?.()
    })
    const over = (): void => {
      this.#isOver = true
      this.#wake?.()
    }
    socket.on('close', over)
    socket.on('error', over)
  }

  get unsent(): number {
    return this.#socket.bufferedAmount
  }

  async read(signal: AbortSignal): Promise<string | null> {
    for (;;) {
      signal.throwIfAborted()
      const text = this.#unread.shift()
      if (text !== undefined) {
        if (this.#unread.length === 0 && !this.#isOver) this.#socket.resume()
        return text
      }
      if (this.#isOver) return null
      await this.#news(signal)
    }
  }

  write(text: string): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return
    this.#socket.send(text, () => {}) // what cannot be sent ends the socket, which read() tells
  }

  close(): void {
    this.#socket.terminate()
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
