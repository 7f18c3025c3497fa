/** HTTP requests over node:http with kept connections, clear errors and time limits. */
import { Agent, type IncomingMessage, request as requestPlain } from 'node:http'
import { request as requestTls, Agent as TlsAgent } from 'node:https'
import { isIP } from 'node:net'
import {
  codeOf,
  HungUpError,
  messageOf,
  PrsyncError,
  SocketError,
  TryAgainError,
  WireError,
} from '../base/errors.js'

export type HttpReply = {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** The body as it comes. Read it to the end or leave the loop: that closes the connection. */
  readonly body: AsyncIterable<Uint8Array>
}

export type HttpAsk = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** No byte for so long: the other side is gone. */
const SILENCE_MS = 30_000
const HUNG_UP = new Set(['ECONNRESET', 'EPIPE'])
/** There is no way from that address to the other side. */
const NO_WAY = new Set(['EADDRNOTAVAIL', 'EINVAL', 'ENETUNREACH', 'EHOSTUNREACH', 'ENOTFOUND'])

const ANY = new Set(['0.0.0.0', '::'])

/** Options of a request that comes from an address of this machine. */
export function comingFrom(address: string | null): { localAddress?: string; family?: number } {
  return address === null ? {} : { localAddress: address, family: isIP(address) }
}

export class HttpClient {
  readonly #plain: Agent
  readonly #tls: TlsAgent
  readonly userAgent: string
  #from: string | null
  /** Body bytes received so far. */
  received = 0

  /**
   * @param from the address of this machine to come from, where there is a way from it to the other side, so that others are
   * told where we listen; null: as the system chooses
   */
  constructor(userAgent: string, connections = 8, from: string | null = null) {
    this.userAgent = userAgent
    this.#from = from !== null && isIP(from) > 0 && !ANY.has(from) ? from : null
    const options = { keepAlive: true, maxSockets: connections }
    this.#plain = new Agent(options)
    this.#tls = new TlsAgent(options)
  }

  /** The address that requests come from; null: as the system chooses. */
  get from(): string | null {
    return this.#from
  }

  close(): void {
    this.#plain.destroy()
    this.#tls.destroy()
  }

  /** @throws {TryAgainError} where nobody answers, {HungUpError} where somebody was there */
  async ask(url: URL, ask: HttpAsk, signal: AbortSignal): Promise<HttpReply> {
    const message = await this.#send(url, ask, signal)
    const headers = new Map<string, string>()
    for (const [name, value] of Object.entries(message.headers))
      if (typeof value === 'string') headers.set(name, value)
    return { status: message.statusCode ?? 0, headers, body: this.#body(message, url) }
  }

  /** The whole body of a 200 answer. @throws {WireError} where it is longer than `limit`, {TryAgainError} on 5xx, {SocketError} on the rest */
  async fetch(url: URL, ask: HttpAsk, limit: number, signal: AbortSignal): Promise<Uint8Array> {
    const reply = await this.ask(url, ask, signal)
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of reply.body) {
      length += chunk.length
      if (length > limit) throw new WireError(`${url.href}: answer above ${limit} bytes`)
      chunks.push(chunk)
    }
    if (reply.status >= 500 || reply.status === 429)
      throw new TryAgainError(`${url.href}: answers ${reply.status}`)
    if (reply.status !== 200) throw new SocketError(`${url.href}: answers ${reply.status}`)
    return Buffer.concat(chunks)
  }

  #send(url: URL, ask: HttpAsk, signal: AbortSignal): Promise<IncomingMessage> {
    const tls = url.protocol === 'https:'
    const headers: Record<string, string> = { 'user-agent': this.userAgent, ...ask.headers }
    if (ask.body !== undefined) headers['content-length'] = `${ask.body.length}`
    const options = {
      method: ask.method ?? 'GET',
      headers,
      agent: tls ? this.#tls : this.#plain,
      signal,
      ...comingFrom(this.#from),
    }
    return new Promise((resolve, reject) => {
      const sent = (tls ? requestTls : requestPlain)(url, options, resolve)
      sent.setTimeout(SILENCE_MS, () =>
        sent.destroy(new Error(`no answer for ${SILENCE_MS / 1000} s`)),
      )
      sent.on('error', (cause) => {
        if (signal.aborted) return reject(signal.reason as Error)
        if (this.#from !== null && NO_WAY.has(codeOf(cause) ?? ''))
          return resolve(this.#sendFromAnywhere(url, ask, signal))
        const NoAnswer = HUNG_UP.has(codeOf(cause) ?? '') ? HungUpError : TryAgainError
        reject(new NoAnswer(`${url.origin} cannot be reached: ${messageOf(cause)}`, { cause }))
      })
      sent.end(ask.body)
    })
  }

  /** From now on, if there is a way. */
  async #sendFromAnywhere(url: URL, ask: HttpAsk, signal: AbortSignal): Promise<IncomingMessage> {
    const from = this.#from
    this.#from = null
    try {
      return await this.#send(url, ask, signal)
    } catch (error) {
      this.#from = from
      throw error
    }
  }

  async *#body(message: IncomingMessage, url: URL): AsyncIterable<Uint8Array> {
    try {
      for await (const chunk of message) {
        const bytes = chunk as Uint8Array
        this.received += bytes.length
        yield bytes
      }
    } catch (cause) {
      if (cause instanceof PrsyncError || codeOf(cause) === 'ABORT_ERR') throw cause
      throw new SocketError(`${url.origin} broke off: ${messageOf(cause)}`, { cause })
    }
  }
}
