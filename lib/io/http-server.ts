/** node:http as plain values: requests in, answers out; limits on the way. */
import { setMaxListeners } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { codeOf, messageOf, SocketError, StartupError, WireError } from '../base/errors.js'
import { type HttpAnswer, type HttpHandler, type HttpRequest, originForm } from '../base/http.js'
import { LIMITS } from '../base/limits.js'
import type { Log } from '../host.js'
import { type Given, type HttpDoor, openDoor } from './http-door.js'

export type HttpServerOptions = {
  readonly host: string
  readonly port: number
  readonly tls: { readonly cert: string; readonly key: string } | null
  readonly handle: HttpHandler
  /** A WebSocket or another upgrade; null refuses all. */
  readonly upgrade: ((request: IncomingMessage, socket: Duplex, head: Uint8Array) => void) | null
  readonly log: Log
  /** How long a client may take nothing of an answer. */
  readonly stallMs?: number
  /** False: node:http answers everything. */
  readonly hasDoor?: boolean
}

export type HttpServer = {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

/** Each ends when its connection does. */
type Connections = WeakMap<Socket, AbortSignal>

/** @throws {StartupError} where the address cannot be had. */
export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const limits = {
    maxHeaderSize: LIMITS.httpHeadBytes,
    requestTimeout: 60_000,
    headersTimeout: 20_000,
  }
  const connections: Connections = new WeakMap()
  let door: HttpDoor | null = null
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    const failed = (error: unknown): void => {
      options.log('http.failed', { what: messageOf(error) })
      response.destroy()
    }
    try {
      answer(request, response, options, connections, door)?.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
  const server = serverOf(options.tls, limits, handler)
  server.keepAliveTimeout = 30_000
  server.timeout = options.stallMs ?? LIMITS.httpStallMs
  const { upgrade } = options
  if (upgrade !== null) server.on('upgrade', upgrade)
  server.on('clientError', (error, socket: Socket) => refuse(error, socket))
  // TLS takes longer than all that a door saves
  if (options.tls === null && options.hasDoor !== false)
    door = openDoor(server, (request, socket) =>
      attempt(() => options.handle(request, whileConnected(connections, socket)), options.log),
    )
  await listening(server, options)
  const at = server.address() as AddressInfo
  return {
    host: at.address,
    port: at.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
        door?.close()
      }),
  }
}

/** Bytes that are no request: said once, then the connection ends, whatever else comes. */
function refuse(error: Error, socket: Socket): void {
  if (codeOf(error) === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const why =
    codeOf(error) === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : '400 Bad Request'
  socket.end(`HTTP/1.1 ${why}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () =>
    socket.destroy(),
  )
}

function serverOf(
  tls: HttpServerOptions['tls'],
  limits: ServerOptions,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (tls === null) return createServer(limits, handler)
  try {
    return createTlsServer({ ...tls, ...limits }, handler)
  } catch (cause) {
    throw new StartupError(`cannot use the TLS certificate or its key: ${messageOf(cause)}`, {
      cause,
    })
  }
}

function listening(server: Server, at: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new StartupError(`cannot listen on ${at.host}:${at.port}: ${messageOf(cause)}`, { cause }),
      )
    })
    server.listen(at.port, at.host, () => resolve())
  })
}

/** What is known at once is sent at once: a redirect waits for no promise. Null: it is sent. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpServerOptions,
  connections: Connections,
  door: HttpDoor | null,
): Promise<unknown> | null {
  const signal = whileConnected(connections, request.socket)
  const send = (given: HttpAnswer): Promise<void> | null => {
    response.writeHead(given.status, lines(given.headers))
    if (given.body === undefined || request.method === 'HEAD') {
      response.end()
    } else if (given.body instanceof Uint8Array) {
      response.end(given.body)
    } else {
      return pour(given.body, response, signal, options)
    }
    return null
  }
  const given =
    door?.taken(request.socket) ??
    attempt(() => options.handle(plain(request), signal), options.log)
  return given instanceof Promise ? given.then(send) : send(given)
}

/** What fails is an answer too. */
function attempt(handle: () => Given, log: Log): Given {
  try {
    const given = handle()
    return given instanceof Promise ? given.catch((error: unknown) => failure(error, log)) : given
  } catch (error) {
    return failure(error, log)
  }
}

/** Name, value, name, value…: each value of several is a line. */
function lines(headers: HttpAnswer['headers']): string[] {
  const flat: string[] = []
  for (const name in headers) {
    const value = headers[name]
    if (typeof value === 'string') flat.push(name, value)
    else for (const each of value ?? []) flat.push(name, each)
  }
  return flat
}

/** By connection: the answers to requests that came together have no end of their own when it is cut. */
function whileConnected(connections: Connections, socket: Socket): AbortSignal {
  const known = connections.get(socket)
  if (known !== undefined) return known
  const scope = new AbortController()
  setMaxListeners(0, scope.signal)
  const stop = (): void => scope.abort(new WireError('the client went away'))
  if (socket.destroyed) stop()
  else socket.once('close', stop)
  connections.set(socket, scope.signal)
  return scope.signal
}

/** The status line is out: what fails now can only cut the connection. */
async function pour(
  body: AsyncIterable<Uint8Array>,
  response: ServerResponse,
  signal: AbortSignal,
  { log, stallMs = LIMITS.httpStallMs }: HttpServerOptions,
): Promise<void> {
  try {
    for await (const chunk of body) {
      signal.throwIfAborted()
      if (!response.write(chunk)) await drained(response, signal, stallMs)
    }
    response.end()
  } catch (error) {
    if (!signal.aborted) log('http.cut', { what: messageOf(error) })
    response.destroy()
  }
}

/** Somebody who takes next to nothing for so long holds a socket, a file and a part of it in memory. */
function drained(response: ServerResponse, signal: AbortSignal, stallMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error: Error | null): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      response.removeListener('drain', go)
      if (error === null) resolve()
      else reject(error)
    }
    const stop = (): void => end(signal.reason as Error)
    const go = (): void => end(null)
    const timer = setTimeout(() => end(new SocketError('the client takes nothing')), stallMs)
    signal.addEventListener('abort', stop, { once: true })
    response.once('drain', go)
  })
}

function failure(error: unknown, log: Log): HttpAnswer {
  const status = error instanceof WireError ? 400 : codeOf(error) === 'ENOENT' ? 404 : 500
  if (status === 500) log('http.error', { what: messageOf(error) })
  const body = Buffer.from(status === 500 ? 'internal error\n' : `${messageOf(error)}\n`)
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': `${body.length}` },
    body,
  }
}

function plain(request: IncomingMessage): HttpRequest {
  const url = originForm(request.url ?? '/')
  const at = url.indexOf('?')
  const { headers, socket } = request
  const said = new Map<string, string>()
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) said.set(name, typeof value === 'string' ? value : value.join(', '))
  }
  return {
    method: request.method ?? 'GET',
    path: at < 0 ? url : url.slice(0, at),
    query: at < 0 ? '' : url.slice(at + 1),
    headers: said,
    remote: { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
    // each time it is asked for, the system is: few want to know
    get local() {
      return socket.localAddress ?? ''
    },
    body: (limit) => bodyOf(request, limit),
  }
}

async function bodyOf(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request) {
    const bytes = chunk as Uint8Array
    length += bytes.length
    if (length > limit) throw new WireError(`request body above ${limit} bytes`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}
