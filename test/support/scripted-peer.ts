/** A peer that says it has everything and then does what it is told. */
import { leavesOf } from '../../lib/hash/merkle.js'
import type { Root } from '../../lib/hash/root.js'
import type { Bind, PeerEvents } from '../../lib/swarm/peer-port.js'
import type { ManualClock } from './manual-clock.js'
import type { MemoryPeer } from './peer-pair.js'
import { proveRange } from './prove-range.js'
import type { Answering } from './swarm-net.js'

type Answer = 'right' | 'wrong' | 'silence' | 'reject' | 'unsolicited' | 'choke' | 'close'
export type Conduct = {
  readonly answer: Answer
  /** Only each so many requests are answered so, the others right. */
  readonly every?: number
  readonly hashes?: 'right' | 'wrong' | 'reject' | 'silence'
  /** After so many requests it does this instead. */
  readonly later?: Answer
  readonly after?: number
}

export function scriptedPeer(
  clock: ManualClock,
  bytesOf: (root: Root) => Uint8Array | undefined,
  conduct: Conduct,
): Answering {
  return async (open) => {
    const script = new Script(clock, bytesOf, conduct)
    script.peer = await open(script.events())
    script.peer.have({ through: 1000, wholes: [], parts: [] })
    script.peer.unchoke()
  }
}

class Script {
  peer: MemoryPeer | null = null
  readonly #clock: ManualClock
  readonly #bytesOf: (root: Root) => Uint8Array | undefined
  readonly #conduct: Conduct
  readonly #handles = new Map<number, Bind>()
  #count = 0

  constructor(
    clock: ManualClock,
    bytesOf: (root: Root) => Uint8Array | undefined,
    conduct: Conduct,
  ) {
    this.#clock = clock
    this.#bytesOf = bytesOf
    this.#conduct = conduct
  }

  events(): PeerEvents {
    const nothing = (): void => undefined
    return {
      onChoke: nothing,
      onUnchoke: nothing,
      onInterested: nothing,
      onNotInterested: nothing,
      onBind: (binds) => {
        for (const bind of binds) this.#handles.set(bind.handle, bind)
      },
      onUnbind: nothing,
      onHave: nothing,
      onWant: nothing,
      onDrop: nothing,
      onRequest: (handle, begin, length) => this.#answer(handle, begin, length),
      onCancel: (handle, begin, length) => {
        if (this.#conduct.answer === 'silence') this.peer?.reject(handle, begin, length)
      },
      onPiece: nothing,
      onReject: nothing,
      onHashRequest: (root, range) => {
        const bytes = this.#bytesOf(root)
        const { hashes = 'right' } = this.#conduct
        if (hashes === 'silence') return
        if (hashes === 'reject' || bytes === undefined) this.peer?.hashReject(root, range)
        else {
          const packed = proveRange(leavesOf(bytes), range)
          if (hashes === 'wrong') packed[5] = (packed[5] ?? 0) ^ 1
          this.peer?.hashes(root, range, packed)
        }
      },
      onHashes: nothing,
      onHashReject: nothing,
      onClose: nothing,
    }
  }

  #answer(handle: number, begin: number, length: number): void {
    const { answer, every = 1, later, after = 0 } = this.#conduct
    const count = ++this.#count
    const now =
      later !== undefined && count > after ? later : count % every === 0 ? answer : 'right'
    const bind = this.#handles.get(handle)
    const all = bind && this.#bytesOf(bind.content.root)
    const bytes = Uint8Array.from(all?.subarray(begin, begin + length) ?? [])
    const { peer } = this
    if (peer === null) return
    if (now === 'right') peer.piece(handle, begin, bytes)
    else if (now === 'wrong') {
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x40
      peer.piece(handle, begin, bytes)
    } else if (now === 'reject') peer.reject(handle, begin, length)
    else if (now === 'unsolicited') peer.piece(handle + 7, begin, bytes)
    else if (now === 'close') peer.close('I am gone')
    else if (now === 'choke') {
      peer.choke()
      peer.reject(handle, begin, length)
      this.#clock.after(500, () => peer.unchoke())
    }
  }
}
