/**
 * One connection: the guarded wire over a Link, as the typed calls and events of peer-port.ts.
 * Reads are pulled, writes are gathered in the outbox, and both end together, with `onClose` as the last event.
 */
import { bytesOf, latin1Of } from '../base/bytes.js'
import { messageOf, PrsyncError, SocketError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { together } from '../base/together.js'
import type { HashRange } from '../hash/merkle.js'
import type { Root } from '../hash/root.js'
import type { Clock, Link } from '../host.js'
import { type ExtendedHandshake, NO_HANDSHAKE } from './extended-handshake.js'
import { Outbox } from './outbox.js'
import type { Bind, Have, Peer, PeerAddress, PeerEvents, RootHint, Want } from './peer-port.js'
import { GuardedWire, type PieceEvents, type WireEvents } from './wire.js'

/** A connection that may be about an ordinary torrent: pieces instead of contents. */
export type TorrentPeer = Peer & {
  bitfield(bytes: Uint8Array): void
  havePiece(index: number): void
  haveAll(): void
  haveNone(): void
}
export type TorrentEvents = PeerEvents & PieceEvents

/** What a connection is about. `attach` is called once both handshakes are done; what it gives hears all that follows. */
export type Topic =
  | { readonly kind: 'repository'; attach(peer: Peer): PeerEvents }
  | { readonly kind: 'torrent'; attach(peer: TorrentPeer): TorrentEvents }

/** Who speaks first says what about; who answers decides by the info-hash (20 bytes, one char each). */
export type Opening =
  | { readonly kind: 'call'; readonly infoHash: Uint8Array; readonly topic: Topic }
  | { readonly kind: 'answer'; accepts(infoHash: string): Topic | null }

export type PeerOptions = {
  /** Ours: 20 bytes. */
  readonly peerId: Uint8Array
  readonly remote: PeerAddress
  /** Where we take connections, to be told to others; null: nowhere. */
  readonly listenPort: number | null
  readonly clock: Clock
}

/** An open connection; `finished` settles after `onClose`, when nothing of it runs any more. It never rejects. */
export type OpenPeer = { readonly peer: Peer; readonly finished: Promise<void> }

/**
 * Shakes hands, then serves the connection until it ends, whichever side ends it; the link is closed in every case.
 * @throws {WireError} when the other side breaks a rule before it is open, {SocketError} when it goes away or is not wanted.
 */
export async function openPeer(
  link: Link,
  opening: Opening,
  options: PeerOptions,
  signal: AbortSignal,
): Promise<OpenPeer> {
  const connection = new Connection(opening, options)
  const finished = connection.run(link, signal)
  await connection.opened
  return { peer: connection, finished }
}

class Connection implements TorrentPeer {
  readonly #opening: Opening
  readonly #options: PeerOptions
  readonly #out = new Outbox()
  readonly #wire: GuardedWire
  readonly #end = new AbortController()
  readonly opened: Promise<void>
  #onOpen: (() => void) | null = null
  #onFail: (error: unknown) => void = () => {}
  #topic: Topic | null
  #id = ''
  #hello: ExtendedHandshake = NO_HANDSHAKE
  #events: PeerEvents = EARLY
  /** In the repository swarm pieces mean nothing. */
  #pieces: PieceEvents = IGNORED
  #heard = false

  constructor(opening: Opening, options: PeerOptions) {
    this.#opening = opening
    this.#options = options
    this.#topic = opening.kind === 'call' ? opening.topic : null
    this.#wire = new GuardedWire(this.#out, this.#heardEvents())
    this.opened = new Promise((resolve, reject) => {
      this.#onOpen = resolve
      this.#onFail = reject
    })
  }

  async run(link: Link, signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#end.abort(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    let fault: unknown
    try {
      if (this.#opening.kind === 'call') this.#greet(this.#opening.infoHash, this.#opening.topic)
      await together(
        this.#end.signal,
        (s) => this.#pull(link, s),
        (s) => this.#out.run(link, s),
        (s) => this.#watch(s),
      )
    } catch (error) {
      fault = error
    }
    signal.removeEventListener('abort', stop)
    this.#wire.stop()
    this.#out.close()
    await link.close().catch(() => {}) // it is over either way; the reason is known
    this.#onFail(fault)
    const why = fault instanceof PrsyncError ? fault.message : `fault here: ${messageOf(fault)}`
    this.#events.onClose(why, fault instanceof WireError ? fault.message : null)
  }

  async #pull(link: Link, signal: AbortSignal): Promise<void> {
    for (;;) {
      const chunk = await link.read(signal)
      if (chunk === null) throw new SocketError('closed by the other side')
      signal.throwIfAborted()
      this.#heard = true
      this.#wire.feed(chunk)
    }
  }

  /** The handshakes have their time; after them a peer that is silent for long is gone. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    await clock.sleep(LIMITS.handshakeMs, signal)
    if (this.#onOpen !== null)
      throw new WireError(`not within ${LIMITS.handshakeMs} ms`, { at: 'handshake' })
    for (let silent = 0; silent < 3; silent++) {
      this.#heard = false
      this.#wire.keepAlive()
      await clock.sleep(LIMITS.heartbeatMs, signal)
      if (this.#heard) silent = -1
    }
    throw new SocketError('nothing heard for long')
  }

  #greet(infoHash: Uint8Array, topic: Topic): void {
    const contents = topic.kind === 'repository'
    this.#wire.greet({
      infoHash,
      peerId: this.#options.peerId,
      contents,
      listenPort: this.#options.listenPort,
      maxRequestBytes: contents ? LIMITS.requestBytes : LIMITS.foreignRequestBytes,
    })
  }

  #shaken(infoHash: string, peerId: string): void {
    if (peerId === latin1Of(this.#options.peerId)) throw new SocketError('connected to ourselves')
    this.#id = peerId
    if (this.#opening.kind === 'answer') {
      this.#topic = this.#opening.accepts(infoHash)
      if (this.#topic === null) throw new SocketError('asks for what is not here')
      this.#greet(bytesOf(infoHash), this.#topic)
    } else if (infoHash !== latin1Of(this.#opening.infoHash))
      throw new WireError('answers for another info-hash', { at: 'handshake' })
    const topic = this.#topic
    if (topic?.kind === 'torrent') {
      const events = topic.attach(this)
      this.#pieces = events
      this.#open(events)
    } else if (!this.#wire.peerExtensions.extended || !this.#wire.peerExtensions.fast)
      throw new WireError('lacks BEP 6 or BEP 10', { at: 'handshake' })
  }

  #introduced(hello: ExtendedHandshake): void {
    this.#hello = hello
    const topic = this.#topic
    if (topic?.kind !== 'repository') return
    if (hello.contentId === null)
      throw new WireError('speaks no ps_content', { at: 'extended handshake' })
    if (this.#onOpen !== null) this.#open(topic.attach(this))
  }

  #open(events: PeerEvents): void {
    this.#events = events
    this.#onOpen?.()
    this.#onOpen = null
  }

  /** The wire's events, from the first handshake on; `EARLY` refuses what comes before the last one. */
  #heardEvents(): WireEvents {
    const to = (): PeerEvents => this.#events
    return {
      onHandshake: (infoHash, peerId) => this.#shaken(infoHash, peerId),
      onExtendedHandshake: (hello) => this.#introduced(hello),
      onChoke: () => to().onChoke(),
      onUnchoke: () => to().onUnchoke(),
      onInterested: () => to().onInterested(),
      onNotInterested: () => to().onNotInterested(),
      onBind: (binds) => to().onBind(binds),
      onUnbind: (handles) => to().onUnbind(handles),
      onHave: (have) => to().onHave(have),
      onWant: (wants) => to().onWant(wants),
      onDrop: (hints) => to().onDrop(hints),
      onRequest: (handle, begin, length) => to().onRequest(handle, begin, length),
      onCancel: (handle, begin, length) => to().onCancel(handle, begin, length),
      onPiece: (handle, begin, bytes) => to().onPiece(handle, begin, bytes),
      onReject: (handle, begin, length) => to().onReject(handle, begin, length),
      onHashRequest: (root, range) => to().onHashRequest(root, range),
      onHashes: (root, range, packed) => to().onHashes(root, range, packed),
      onHashReject: (root, range) => to().onHashReject(root, range),
      onBitfield: (bytes) => this.#pieces.onBitfield(bytes),
      onHavePiece: (index) => this.#pieces.onHavePiece(index),
      onHaveAll: () => this.#pieces.onHaveAll(),
      onHaveNone: () => this.#pieces.onHaveNone(),
    }
  }

  get id(): string {
    return this.#id
  }
  get remote(): PeerAddress {
    return this.#options.remote
  }
  get listens(): PeerAddress | null {
    const port = this.#hello.listenPort
    return port === null ? null : { host: this.#options.remote.host, port }
  }
  get isPrsync(): boolean {
    return this.#hello.contentId !== null
  }
  get maxRequests(): number {
    return this.#hello.maxRequests
  }
  get maxRequestBytes(): number {
    return this.#hello.maxRequestBytes
  }
  get unsent(): number {
    return this.#out.unsent
  }
  drained(signal: AbortSignal): Promise<void> {
    return this.#out.drained(signal)
  }

  choke(): void {
    this.#wire.choke()
  }
  unchoke(): void {
    this.#wire.unchoke()
  }
  interested(): void {
    this.#wire.interested()
  }
  notInterested(): void {
    this.#wire.uninterested()
  }
  bind(binds: readonly Bind[]): void {
    this.#wire.contents({ kind: 'bind', binds })
  }
  unbind(handles: readonly number[]): void {
    this.#wire.contents({ kind: 'unbind', handles })
  }
  have(have: Have): void {
    this.#wire.contents({ kind: 'have', have })
  }
  want(wants: readonly Want[]): void {
    this.#wire.contents({ kind: 'want', wants })
  }
  drop(hints: readonly RootHint[]): void {
    this.#wire.contents({ kind: 'drop', hints })
  }
  /** While the peer chokes us the answer is a reject, and comes when this turn is over. */
  request(handle: number, begin: number, length: number): void {
    if (this.#wire.ask(handle, begin, length)) return
    queueMicrotask(() => {
      if (this.#end.signal.aborted) return
      try {
        this.#events.onReject(handle, begin, length)
      } catch (error) {
        this.#end.abort(error)
      }
    })
  }
  cancel(handle: number, begin: number, length: number): void {
    this.#wire.cancel(handle, begin, length)
  }
  piece(handle: number, begin: number, bytes: Uint8Array): void {
    this.#wire.piece(handle, begin, bytes)
  }
  reject(handle: number, begin: number, length: number): void {
    this.#wire.reject(handle, begin, length)
  }
  hashRequest(root: Root, range: HashRange): void {
    this.#wire.hashRequest({ root, range })
  }
  hashes(root: Root, range: HashRange, packed: Uint8Array): void {
    this.#wire.hashes({ root, range }, packed)
  }
  hashReject(root: Root, range: HashRange): void {
    this.#wire.hashReject({ root, range })
  }
  bitfield(bytes: Uint8Array): void {
    this.#wire.bitfield(bytes)
  }
  havePiece(index: number): void {
    this.#wire.have(index)
  }
  haveAll(): void {
    this.#wire.haveAll()
  }
  haveNone(): void {
    this.#wire.haveNone()
  }
  close(why: string): void {
    this.#wire.stop()
    this.#end.abort(new SocketError(why))
  }
}

/** Nothing may be said before both handshakes. */
function early(): never {
  throw new WireError('message before the extended handshake', { at: 'BitTorrent' })
}
const EARLY: PeerEvents = {
  onChoke: early,
  onUnchoke: early,
  onInterested: early,
  onNotInterested: early,
  onBind: early,
  onUnbind: early,
  onHave: early,
  onWant: early,
  onDrop: early,
  onRequest: early,
  onCancel: early,
  onPiece: early,
  onReject: early,
  onHashRequest: early,
  onHashes: early,
  onHashReject: early,
  onClose: () => {},
}
const IGNORED: PieceEvents = {
  onBitfield: () => {},
  onHavePiece: () => {},
  onHaveAll: () => {},
  onHaveNone: () => {},
}
