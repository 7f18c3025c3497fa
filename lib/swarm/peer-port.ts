/**
 * One connection of the repository swarm as the engine sees it: typed calls out (`Peer`), typed calls in (`PeerEvents`).
 * `swarm/peer.ts` is the real one over the guarded wire; tests join two in memory.
 */
import type { HashRange } from '../hash/merkle.js'
import type { ContentId, Root } from '../hash/root.js'

/** Where a node listens. */
export type PeerAddress = { readonly host: string; readonly port: number }

/** Consecutive units of a content. */
export type UnitRange = { readonly first: number; readonly count: number }

/** The first 8 bytes of a root, one char each: enough for a hint, a quarter of the bytes. */
export type RootHint = string

/** What a node tells its peers that it can give; each message adds to the ones before. */
export type Have = {
  /** Every content of the module that was live in a snapshot up to this one, as far as it still is; null: nothing said. */
  readonly through: number | null
  readonly wholes: readonly RootHint[]
  readonly parts: readonly { readonly hint: RootHint; readonly ranges: readonly UnitRange[] }[]
}

/** What a node lacks: told to the centre, which answers with the units it may fetch there, and to partial mirrors. */
export type Want = {
  readonly content: ContentId
  /** Missing units; empty: all. */
  readonly ranges: readonly UnitRange[]
}

/** From then on requests with this handle mean bytes of the content's window: 2 GiB from `window` × 2 GiB. */
export type Bind = {
  /** 0 … 2^31 - 1, chosen by the asker. */
  readonly handle: number
  readonly content: ContentId
  readonly window: number
}
export const WINDOW_BYTES = 2 ** 31

/** Calls never wait: they queue on the socket. Look at `unsent` before giving more. */
export type Peer = {
  /** The other side's 20-byte peer id, one char per byte. */
  readonly id: string
  /** Where it comes from; `listens` is where others can reach it, when it said so. */
  readonly remote: PeerAddress
  readonly listens: PeerAddress | null
  /** It speaks ps_content: a prsync node. Without it only an exported torrent can be talked about. */
  readonly isPrsync: boolean
  /** Requests it lets us have waiting (`reqq`), and the largest request it takes. */
  readonly maxRequests: number
  readonly maxRequestBytes: number
  /** Bytes given to this peer that its socket has not taken yet. */
  readonly unsent: number
  /** Settles when `unsent` is small again. Rejects when the connection is closed. */
  drained(signal: AbortSignal): Promise<void>

  choke(): void
  unchoke(): void
  interested(): void
  notInterested(): void
  bind(binds: readonly Bind[]): void
  unbind(handles: readonly number[]): void
  have(have: Have): void
  want(wants: readonly Want[]): void
  drop(hints: readonly RootHint[]): void
  request(handle: number, begin: number, length: number): void
  /** Nothing is heard of that request any more. Its answer may still cross: do not mean another content by the handle. */
  cancel(handle: number, begin: number, length: number): void
  /** The bytes may be reused when the call returns. */
  piece(handle: number, begin: number, bytes: Uint8Array): void
  reject(handle: number, begin: number, length: number): void
  hashRequest(root: Root, range: HashRange): void
  hashes(root: Root, range: HashRange, packed: Uint8Array): void
  hashReject(root: Root, range: HashRange): void
  /** Ends the connection; `onClose` follows. */
  close(why: string): void
}

/** What the other side did. Everything is already within limits; handles and offsets are not checked against anything. */
export type PeerEvents = {
  onChoke(): void
  onUnchoke(): void
  onInterested(): void
  onNotInterested(): void
  onBind(binds: readonly Bind[]): void
  onUnbind(handles: readonly number[]): void
  onHave(have: Have): void
  onWant(wants: readonly Want[]): void
  onDrop(hints: readonly RootHint[]): void
  onRequest(handle: number, begin: number, length: number): void
  onCancel(handle: number, begin: number, length: number): void
  /** An answer to a request of ours that stands open; anything else closed the connection. A view: copy what you keep. */
  onPiece(handle: number, begin: number, bytes: Uint8Array): void
  onReject(handle: number, begin: number, length: number): void
  onHashRequest(root: Root, range: HashRange): void
  onHashes(root: Root, range: HashRange, packed: Uint8Array): void
  onHashReject(root: Root, range: HashRange): void
  /** Once, at the end. `broke` names the rule of the protocol the peer broke, or null. */
  onClose(why: string, broke: string | null): void
}
