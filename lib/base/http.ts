/** HTTP as plain values: what `lib/io` takes from a socket and what a handler gives back. */

export type HttpRequest = {
  readonly method: string
  /** Path as it came, still percent-encoded, without the query. */
  readonly path: string
  /** The query without its `?`, still encoded. */
  readonly query: string
  /** Header names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** Where the client is, as the socket tells. */
  readonly remote: { readonly address: string; readonly port: number }
  /** The address of ours that the client reached. */
  readonly local: string
  /** The body, at most `limit` bytes. @throws {WireError} on more. */
  body(limit: number): Promise<Uint8Array>
}

/** Answers at once where it can: most requests need nobody to wait for. */
export type HttpHandler = (
  request: HttpRequest,
  signal: AbortSignal,
) => HttpAnswer | Promise<HttpAnswer>

/** A request's target without what clients write before it for proxies: RFC 9112 §3.2.2 wants both forms understood. */
export function originForm(target: string): string {
  const [, rest] = /^https?:\/\/[^/?#]*(.*)$/is.exec(target) ?? []
  if (rest === undefined) return target
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** What became of a request, for logs and figures: beside what the client is told. */
export type AnswerNote = {
  readonly give: 'redirect' | 'direct' | 'metalink'
  /** Where the client was sent; null: nowhere. */
  readonly volunteer: string | null
  /** Why there, or why here. */
  readonly reason: string
  /** `/module/name`, one char per byte. */
  readonly path: string
  /** Of the file: what the centre gave, or was spared. */
  readonly bytes: number
}

export type HttpAnswer = {
  readonly status: number
  /** Several values are several lines: not every client takes them apart. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** All at once, or chunks in order; absent for HEAD and bodiless answers. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
  readonly note?: AnswerNote
}
