/** The centre as a node sees it over HTTP: heads, batches of contents, ranges. */
import { inflateRawSync } from 'node:zlib'
import { Cursor, Underflow } from '../base/bytes.js'
import { SocketError, TryAgainError, UsageError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { contentRoot, type HashRange } from '../hash/merkle.js'
import { type ContentId, type Root, rootHex } from '../hash/root.js'
import type { HttpClient } from '../io/http-client.js'
import {
  type BatchItem,
  decodeBatchPart,
  encodeBatchRequest,
  unpackBatchPart,
} from '../snapshot/batch.js'
import { isModuleName } from '../snapshot/head.js'
import { decodePath, encodePath } from './url-path.js'

/** Says where the wire of the module's centre is; the host is the URL's. */
export const WIRE_PORT_HEADER = 'prsync-peer-port'

export type CentreUrl = {
  readonly origin: string
  readonly module: string
  /** Percent-decoded path below the module, one char per byte; '' for all of it. */
  readonly subtree: string
}

/** @throws {UsageError} */
export function parseCentreUrl(text: string): CentreUrl {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new UsageError(`not a URL: ${text} (as in http://centre:8730/NAME)`, { cause })
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new UsageError(`pull goes over http or https, not ${url.protocol} (${text})`)
  const [, module = '', ...rest] = url.pathname.split('/')
  if (!isModuleName(module))
    throw new UsageError(`${text} names no module (as in http://centre:8730/NAME)`)
  const subtree = rest.filter((part) => part !== '').join('/')
  const bytes = decodePath(subtree)
  if (bytes === null) throw new UsageError(`malformed percent-encoding in ${text}`)
  return { origin: url.origin, module, subtree: bytes }
}

/** The URL that parses to it. */
export function formatCentreUrl({ origin, module, subtree }: CentreUrl): string {
  return `${origin}/${module}${subtree === '' ? '' : `/${encodePath(subtree)}`}`
}

export class Centre {
  readonly #client: HttpClient
  readonly #base: string

  constructor(client: HttpClient, at: CentreUrl) {
    this.#client = client
    this.#base = `${at.origin}/${at.module}/.~prsync~`
  }

  /** The signed head; null when it is still the one with this digest. */
  async head(digest: string | null, signal: AbortSignal): Promise<Uint8Array | null> {
    const url = new URL(`${this.#base}/head`)
    const headers = digest === null ? {} : { 'if-none-match': `"${digest}"` }
    const reply = await this.#client.ask(url, { headers }, signal)
    const bytes = await collect(reply.body, LIMITS.headBytes)
    this.wirePort = reply.headers.get(WIRE_PORT_HEADER)
    if (reply.status === 304) return null
    if (reply.status === 404)
      throw new UsageError(`${url.origin} has no module of this name (${url.pathname})`)
    if (reply.status !== 200) throw new TryAgainError(`${url.href}: answers ${reply.status}`)
    return bytes
  }

  /** The contents, verified, as they come; those the centre does not have are left out. */
  async *contents(
    items: readonly BatchItem[],
    basisOf: (root: Root) => Uint8Array | null,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly content: ContentId; readonly bytes: Uint8Array }> {
    const url = new URL(`${this.#base}/contents`)
    const reply = await this.#client.ask(
      url,
      { method: 'POST', body: encodeBatchRequest(items) },
      signal,
    )
    if (reply.status !== 200) throw new TryAgainError(`${url.href}: answers ${reply.status}`)
    let kept: Uint8Array = new Uint8Array(0)
    let next = 0
    for await (const chunk of reply.body) {
      kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
      const cursor = new Cursor(kept)
      let used = 0
      for (let item = items[next]; item !== undefined; item = items[next]) {
        const part = partOrNull(cursor, item.content.length + 1024)
        if (part === null) break
        used = cursor.pos
        next++
        const basis = item.basis === null ? null : basisOf(item.basis)
        const bytes = unpackBatchPart(part, item.content, basis, inflate)
        if (bytes === null) continue
        if (bytes.length !== item.content.length || contentRoot(bytes) !== item.content.root)
          throw new WireError(`content ${rootHex(item.content.root)} was altered on the way`)
        yield { content: item.content, bytes: bytes.slice() }
      }
      kept = kept.subarray(used)
    }
    if (next < items.length)
      throw new SocketError(`${url.origin} broke off in the middle of its answer`)
  }

  /** The port of the centre's BitTorrent wire, as it told with its head; undefined: it has none. */
  wirePort: string | undefined

  /** Leaf hashes of a content with their uncles, not verified; null: it does not have the content. */
  async hashes(
    content: ContentId,
    range: HashRange,
    signal: AbortSignal,
  ): Promise<Uint8Array | null> {
    const { baseLayer, index, length, proofLayers } = range
    const query = `base=${baseLayer}&index=${index}&length=${length}&proof=${proofLayers}`
    const url = new URL(`${this.#base}/hashes/${rootHex(content.root)}?${query}`)
    const reply = await this.#client.ask(url, {}, signal)
    const bytes = await collect(reply.body, LIMITS.messageBytes)
    if (reply.status === 404) return null
    if (reply.status !== 200) throw new SocketError(`${url.href}: answers ${reply.status}`)
    return bytes
  }

  /** The √size sums of a content, not verified; the centre makes them when they are first asked for. */
  sums(content: ContentId, signal: AbortSignal): Promise<Uint8Array> {
    const url = new URL(`${this.#base}/sums/${rootHex(content.root)}`)
    return this.#client.fetch(url, {}, LIMITS.sumsBytes, signal)
  }

  /** Bytes of a content, not verified; null: it does not have the content. */
  async range(
    content: ContentId,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | null> {
    const url = new URL(`${this.#base}/content/${rootHex(content.root)}`)
    const headers = { range: `bytes=${offset}-${offset + length - 1}` }
    const reply = await this.#client.ask(url, { headers }, signal)
    const bytes = await collect(reply.body, Math.max(length, 4096))
    if (reply.status === 404) return null
    if (reply.status === 200 && offset === 0 && bytes.length === length) return bytes
    if (reply.status !== 206 || bytes.length !== length)
      throw new SocketError(`${url.href}: answers ${reply.status} with ${bytes.length} bytes`)
    return bytes
  }
}

function partOrNull(cursor: Cursor, most: number): ReturnType<typeof decodeBatchPart> | null {
  const start = cursor.pos
  try {
    return decodeBatchPart(cursor, most)
  } catch (error) {
    if (!(error instanceof Underflow)) throw error
    cursor.pos = start
    return null
  }
}

function inflate(bytes: Uint8Array, most: number, dictionary: Uint8Array | null): Uint8Array {
  try {
    const options = { maxOutputLength: most, ...(dictionary === null ? {} : { dictionary }) }
    return inflateRawSync(bytes, options)
  } catch (cause) {
    throw new WireError('batch: a part that does not inflate', { cause })
  }
}

async function collect(body: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > limit) throw new WireError(`answer above ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
