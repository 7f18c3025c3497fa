/**
 * What stands before node:http: the simplest requests are answered where their bytes come in, with the bytes that node:http would
 * have sent. Everything else, of a request or of its answer, is node:http's: it gets the connection with the bytes that came, and
 * keeps it. docs/decisions/0052.
 */
import { type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { EMPTY } from '../base/bytes.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { httpDate } from '../base/http-date.js'
import { plainRequest } from '../base/plain-request.js'

export type Given = HttpAnswer | Promise<HttpAnswer>
export type HttpDoor = {
  /** What was answered to the request that node:http hears of first, as it was handed over; undefined: nothing yet. */
  taken(socket: Socket): Given | undefined
  /** Connections that are not node:http's. */
  close(): void
}

/** Bodies above it are node:http's. */
const MOST_BODY = 64 * 1024
/** What no line of a head has in it. */
const UNFIT = /[^\t\x20-\x7e]/

/** @param handle answers, and does not throw */
export function openDoor(
  server: Server,
  handle: (request: HttpRequest, socket: Socket) => Given,
): HttpDoor {
  const [toHttp] = server.listeners('connection')
  const here = new Set<Socket>()
  const given = new WeakMap<Socket, Given>()
  const out = new Outbox()
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    const heard = (chunk: Buffer): void => {
      const plain = plainRequest(chunk.toString('latin1'))
      if (plain === null) return handOver(chunk)
      const { method, target, headers } = plain
      const answer = handle(new DoorRequest(method, target, headers, remote, socket), socket)
      const head = answer instanceof Promise ? null : headOf(answer, server.keepAliveTimeout)
      if (answer instanceof Promise || head === null) {
        given.set(socket, answer)
        return handOver(chunk)
      }
      const body = method === 'HEAD' || !(answer.body instanceof Uint8Array) ? EMPTY : answer.body
      out.add({ socket, head, body })
    }
    const drained = (): void => void socket.resume()
    const ended = (): void => {
      out.flush()
      socket.end()
    }
    const gone = (): void => void here.delete(socket)
    const failed = (): void => void socket.destroy()
    const listeners = {
      ...{ data: heard, drain: drained, end: ended, close: gone, error: failed, timeout: failed },
    } as const
    const handOver = (chunk: Buffer): void => {
      out.flush()
      for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener)
      socket.setTimeout(0)
      here.delete(socket)
      socket.unshift(chunk)
      toHttp?.call(server, socket)
      socket.resume()
    }
    here.add(socket)
    socket.setTimeout(server.keepAliveTimeout)
    for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener)
  })
  return {
    taken: (socket) => {
      const answer = given.get(socket)
      given.delete(socket)
      return answer
    },
    close: () => {
      for (const socket of here) socket.destroy()
    },
  }
}

/** Without a body. */
class DoorRequest implements HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: ReadonlyMap<string, string>
  readonly remote: HttpRequest['remote']
  readonly #socket: Socket

  constructor(
    method: string,
    target: string,
    headers: ReadonlyMap<string, string>,
    remote: HttpRequest['remote'],
    socket: Socket,
  ) {
    const at = target.indexOf('?')
    this.method = method
    this.path = at < 0 ? target : target.slice(0, at)
    this.query = at < 0 ? '' : target.slice(at + 1)
    this.headers = headers
    this.remote = remote
    this.#socket = socket
  }

  get local(): string {
    return this.#socket.localAddress ?? ''
  }
  body(): Promise<Uint8Array> {
    return Promise.resolve(EMPTY)
  }
}

type Reply = { readonly socket: Socket; readonly head: string; readonly body: Uint8Array }

/**
 * Answers of one turn of the event loop go out together, when all that came was answered: else each would wake its client, and
 * the client us, in between.
 */
class Outbox {
  #replies: Reply[] = []
  readonly #flush = (): void => this.flush()

  add(reply: Reply): void {
    if (this.#replies.length === 0) setImmediate(this.#flush)
    this.#replies.push(reply)
  }

  flush(): void {
    const replies = this.#replies
    this.#replies = []
    for (const { socket, head, body } of replies) {
      if (body.length === 0) socket.write(head, 'latin1')
      else {
        socket.cork()
        socket.write(head, 'latin1')
        socket.write(body)
        socket.uncork()
      }
      if (socket.writableNeedDrain) socket.pause() // it goes on with 'drain'
    }
  }
}

/** Null: node:http knows better. */
function headOf({ status, headers, body }: HttpAnswer, keepAliveMs: number): string | null {
  if (body !== undefined && !(body instanceof Uint8Array && body.length <= MOST_BODY)) return null
  const reason = STATUS_CODES[status]
  const isBare = status < 200 || status === 204 || status === 304
  const length = headers['content-length']
  if (reason === undefined || isBare || length !== `${body?.length ?? 0}`) return null
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || OWN.has(name)) return null
    for (const each of typeof value === 'string' ? [value] : value) {
      if (UNFIT.test(each)) return null
      head += `${name}: ${each}\r\n`
    }
  }
  const seconds = Math.floor(keepAliveMs / 1000)
  return `${head}Date: ${dateNow()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`
}
/** node:http says them itself, or something else because of them. */
const OWN: ReadonlySet<string> = new Set([
  ...['date', 'connection', 'keep-alive', 'transfer-encoding', 'trailer', 'expect', 'upgrade'],
])

let date = ''
let dateSecond = 0
/** Made once a second. */
function dateNow(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    date = httpDate(second)
  }
  return date
}
