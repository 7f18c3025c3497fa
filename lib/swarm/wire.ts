/**
 * bittorrent-protocol behind a guard: no byte reaches the library before it is a whole message within limits, of the length
 * its kind has, with numbers below 2^31. BEP 3, 6, 10, 52; the hash messages are ours, the library does not know them.
 *
 * The library is a stream by nature; here it is used as a codec: messages go in through its `_write` and come out through its
 * `push`, both in the same call, so that order is kept and what a handler throws arrives at whoever called `feed`.
 */
import Protocol from 'bittorrent-protocol'
import { Cursor, EMPTY, latin1Of, Underflow, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import {
  decodeHashMessage,
  decodePackedHashes,
  encodeHashMessage,
  HASH_HEAD_BYTES,
  HASH_REJECT,
  HASH_REQUEST,
  HASHES,
  type HashMessage,
  isServable,
} from '../bt/hash-message.js'
import { type Asked, indexOf, removed } from './asked.js'
import {
  CONTENT_EXTENSION,
  type ContentMessage,
  decodeContentMessage,
  encodeContentMessage,
} from './content-ext.js'
import {
  decodeExtendedHandshake,
  type ExtendedHandshake,
  helloFields,
  plainExtendedHandshake,
} from './extended-handshake.js'
import { Framer, u32At } from './framer.js'
import { ID, idOf, LENGTH_BYTES } from './message-rules.js'
import type { Outbox } from './outbox.js'
import type { PeerEvents } from './peer-port.js'

/** What came, in order. A handler may throw: `feed` passes it on. */
export type WireEvents = Omit<PeerEvents, 'onClose'> &
  PieceEvents & {
    /** The plain handshake; info-hash and peer id are 20 bytes, one char each. */
    onHandshake(infoHash: string, peerId: string): void
    onExtendedHandshake(hello: ExtendedHandshake): void
  }

/** What the other side of an ordinary torrent says it has. */
export type PieceEvents = {
  /** A view. */
  onBitfield(bytes: Uint8Array): void
  onHavePiece(index: number): void
  onHaveAll(): void
  onHaveNone(): void
}

export type Greeting = {
  /** 20 bytes each. */
  readonly infoHash: Uint8Array
  readonly peerId: Uint8Array
  /** Speak ps_content. */
  readonly contents: boolean
  readonly listenPort: number | null
  /** The longest request we take. */
  readonly maxRequestBytes: number
}

/** The library reads 32-bit fields as signed; nothing honest is above. */
const FIELD = 2 ** 31
/** Reserved bit of the handshake: speaks BEP 52. Byte 7 of the 8 that follow the protocol's name. */
const V2_BYTE = 27
const V2_BIT = 0x10
/** Questions from a peer that takes no answers, before we stop listening to it. */
const QUESTIONS_WHILE_FULL = 20 * LIMITS.peerRequests

export class GuardedWire extends Protocol {
  readonly #out: Outbox
  readonly #events: WireEvents
  readonly #framer = new Framer()
  readonly #scratch = new Writer(4096)
  /** Requests that we took back and that may still be answered. */
  #cancelled: Asked[] = []
  #maxRequestBytes = 0
  #greeted = false
  #heard = false
  #over = false
  #questionsWhileFull = 0
  #contentsOut = false

  constructor(out: Outbox, events: WireEvents) {
    super()
    this.#out = out
    this.#events = events
    this.on('handshake', (infoHash, peerId) => events.onHandshake(ofHex(infoHash), ofHex(peerId)))
    this.on('request', (handle, begin, length) => events.onRequest(handle, begin, length))
  }

  /** Sends our handshake; the extended one follows by itself once the peer says that it takes it. */
  greet(greeting: Greeting): void {
    const events = this.#events
    this.#maxRequestBytes = greeting.maxRequestBytes
    this.extendedHandshake = helloFields(greeting.listenPort, greeting.maxRequestBytes)
    if (greeting.contents)
      this.use(
        class {
          get name(): string {
            return CONTENT_EXTENSION
          }
          onMessage(payload: Uint8Array): void {
            tellContents(payload, events)
          }
        },
      )
    this.handshake(greeting.infoHash, greeting.peerId, { fast: true })
  }

  /**
   * Takes the next bytes of the connection and calls the events for every message they complete.
   * @throws {WireError} when the peer broke a rule; the connection is then to be closed.
   */
  feed(chunk: Uint8Array): void {
    this.#framer.feed(chunk, this.#take)
  }

  /** No event comes after this, also not from the rest of a chunk being fed. */
  stop(): void {
    this.#over = true
  }

  readonly #take = (message: Uint8Array): void => {
    if (this.#over) return
    if (this.#heard) this.#message(message)
    else this.#handshake(message)
  }

  #handshake(message: Uint8Array): void {
    this.#heard = true
    // copied: the library keeps views of it
    super._write(Uint8Array.from(message), nothing)
  }

  #message(message: Uint8Array): void {
    if (message.length === LENGTH_BYTES) return
    const id = idOf(message)
    switch (id) {
      case ID.choke:
        this.#choked(message)
        break
      case ID.unchoke:
        super._write(message, nothing)
        this.#events.onUnchoke()
        break
      case ID.interested:
        super._write(message, nothing)
        this.#events.onInterested()
        break
      case ID.notInterested:
        super._write(message, nothing)
        this.#events.onNotInterested()
        break
      case ID.have:
        this.#events.onHavePiece(u32At(message, 5))
        break
      case ID.bitfield:
        this.#events.onBitfield(message.subarray(5))
        break
      case ID.haveAll:
        this.#needsFast()
        this.#events.onHaveAll()
        break
      case ID.haveNone:
        this.#needsFast()
        this.#events.onHaveNone()
        break
      case ID.request:
        this.#asked(message)
        break
      case ID.piece:
        this.#given(message)
        break
      case ID.cancel:
        this.#takenBack(message)
        break
      case ID.reject:
        this.#needsFast()
        this.#rejected(message)
        break
      case ID.extended:
        this.#extended(message)
        break
      case HASH_REQUEST:
      case HASHES:
      case HASH_REJECT:
        this.#hashMessage(id, new Cursor(message.subarray(5)))
        break
      default: // port, suggest, allowed fast, and whatever is invented later
    }
  }

  #choked(message: Uint8Array): void {
    // Without BEP 6 a choke drops what stands open; pieces already on their way are not unsolicited.
    const dropped = this.hasFast ? [] : [...this.requests]
    for (const request of dropped) this.#remember(request)
    super._write(message, nothing)
    this.#events.onChoke()
    for (const { piece, offset, length } of dropped) this.#events.onReject(piece, offset, length)
  }

  #asked(message: Uint8Array): void {
    this.#question()
    const handle = u32At(message, 5)
    const begin = u32At(message, 9)
    const length = u32At(message, 13)
    const refused =
      this.amChoking ||
      handle >= FIELD ||
      begin >= FIELD ||
      length === 0 ||
      length > this.#maxRequestBytes ||
      this.peerRequests.length >= LIMITS.peerRequests
    if (!refused) super._write(message, nothing)
    else if (this.hasFast) super.reject(handle, begin, length)
  }

  #given(message: Uint8Array): void {
    const handle = u32At(message, 5)
    const begin = u32At(message, 9)
    const length = message.length - 13
    if (indexOf(this.requests, handle, begin, length) < 0) {
      if (removed(this.#cancelled, handle, begin, length)) return
      throw broke(`piece that nobody asked for: ${handle}, ${begin}, ${length}`)
    }
    super._write(message, nothing)
    this.#events.onPiece(handle, begin, message.subarray(13))
  }

  #takenBack(message: Uint8Array): void {
    const handle = u32At(message, 5)
    const begin = u32At(message, 9)
    const length = u32At(message, 13)
    if (indexOf(this.peerRequests, handle, begin, length) < 0) return
    this.reject(handle, begin, length) // BEP 6: also what was cancelled gets an answer
    this.#events.onCancel(handle, begin, length)
  }

  #rejected(message: Uint8Array): void {
    const handle = u32At(message, 5)
    const begin = u32At(message, 9)
    const length = u32At(message, 13)
    if (removed(this.#cancelled, handle, begin, length)) return
    if (indexOf(this.requests, handle, begin, length) < 0) return
    super._write(message, nothing)
    this.#events.onReject(handle, begin, length)
  }

  #extended(message: Uint8Array): void {
    if (message[5] !== 0) {
      super._write(message, nothing)
      return
    }
    const hello = decodeExtendedHandshake(message.subarray(6))
    super._write(plainExtendedHandshake(hello), nothing)
    this.#contentsOut = hello.contentId !== null
    this.#events.onExtendedHandshake(hello)
  }

  #hashMessage(id: number, from: Cursor): void {
    const { root, range } = decodeHashMessage(from)
    if (id === HASH_REQUEST) {
      this.#question()
      if (isServable(range)) this.#events.onHashRequest(root, range)
      else this.hashReject({ root, range })
    } else if (id === HASHES) this.#events.onHashes(root, range, decodePackedHashes(from))
    else this.#events.onHashReject(root, range)
  }

  /** A message that we have to answer: one who sends them and reads nothing is not listened to for ever. */
  #question(): void {
    if (this.#out.unsent <= LIMITS.unsentBytes) this.#questionsWhileFull = 0
    else if (++this.#questionsWhileFull > QUESTIONS_WHILE_FULL)
      throw broke('asks on and on without taking the answers')
  }
  #needsFast(): void {
    if (!this.hasFast) throw broke('message of BEP 6 without its bit in the handshake')
  }
  #remember(request: Asked): void {
    this.#cancelled.push(request)
    if (this.#cancelled.length > 2 * LIMITS.peerRequests) this.#cancelled.shift()
  }

  /** False when the peer chokes us: nothing was sent. */
  ask(handle: number, begin: number, length: number): boolean {
    if (this.peerChoking) return false
    super.request(handle, begin, length)
    return true
  }
  override cancel(handle: number, begin: number, length: number): void {
    const at = indexOf(this.requests, handle, begin, length)
    const request = this.requests[at]
    if (request === undefined) return
    this.#remember(request)
    super.cancel(handle, begin, length)
  }
  /** Answers a request that stands open; one that was taken back or choked meanwhile is not answered twice. */
  override piece(handle: number, begin: number, bytes: Uint8Array): void {
    if (!removed(this.peerRequests, handle, begin, bytes.length)) return
    super.piece(handle, begin, bytes)
  }
  override reject(handle: number, begin: number, length: number): void {
    if (!removed(this.peerRequests, handle, begin, length)) return
    if (this.hasFast) super.reject(handle, begin, length)
  }
  contents(message: ContentMessage): void {
    if (!this.#contentsOut) return
    for (const payload of encodeContentMessage(message)) this.extended(CONTENT_EXTENSION, payload)
  }
  hashRequest(message: HashMessage): void {
    this.#sendHash(HASH_REQUEST, message, EMPTY)
  }
  hashes(message: HashMessage, packed: Uint8Array): void {
    this.#sendHash(HASHES, message, packed)
  }
  hashReject(message: HashMessage): void {
    this.#sendHash(HASH_REJECT, message, EMPTY)
  }
  #sendHash(id: number, message: HashMessage, packed: Uint8Array): void {
    this.#scratch.reset()
    this.#scratch.u32be(1 + HASH_HEAD_BYTES + packed.length)
    this.#scratch.u8(id)
    encodeHashMessage(this.#scratch, message)
    this.#scratch.put(packed)
    this.#out.give(this.#scratch.done())
  }

  /** The library's way out. */
  override push(bytes: Uint8Array | null): boolean {
    if (bytes === null) return true
    if (!this.#greeted) {
      this.#greeted = true
      bytes[V2_BYTE] = (bytes[V2_BYTE] ?? 0) | V2_BIT
    }
    this.#out.give(bytes)
    return true
  }
  /** The library ends itself where the peer broke a rule. */
  override end(): this {
    throw broke('not BitTorrent')
  }
  override destroy(): this {
    throw broke('message of an extension that was not agreed on')
  }
}

function tellContents(payload: Uint8Array, events: WireEvents): void {
  const message = contentsOf(payload)
  switch (message?.kind) {
    case 'bind':
      events.onBind(message.binds)
      break
    case 'unbind':
      events.onUnbind(message.handles)
      break
    case 'have':
      events.onHave(message.have)
      break
    case 'want':
      events.onWant(message.wants)
      break
    case 'drop':
      events.onDrop(message.hints)
      break
    case undefined: // a kind of a later version
  }
}
function contentsOf(payload: Uint8Array): ContentMessage | null {
  try {
    return decodeContentMessage(payload)
  } catch (error) {
    if (error instanceof Underflow) throw broke('message of ps_content that ends early')
    throw error
  }
}

function broke(what: string): WireError {
  return new WireError(what, { at: 'BitTorrent' })
}
function ofHex(hex: string): string {
  return latin1Of(Buffer.from(hex, 'hex'))
}
function nothing(): void {}
