/** Wire events as a list: the name and what came, views copied. */
import { hexOf } from '../../lib/base/bytes.js'
import type { PeerEvents } from '../../lib/swarm/peer-port.js'
import type { WireEvents } from '../../lib/swarm/wire.js'

export type Recorded = Array<readonly [name: string, ...args: unknown[]]>

export function recordedEvents(log: Recorded): WireEvents & PeerEvents {
  const note =
    (name: string) =>
    (...args: unknown[]): void => {
      log.push([name, ...args.map((a) => (a instanceof Uint8Array ? hexOf(a) : a))])
    }
  return {
    onHandshake: note('handshake'),
    onExtendedHandshake: note('extended'),
    onChoke: note('choke'),
    onUnchoke: note('unchoke'),
    onInterested: note('interested'),
    onNotInterested: note('notInterested'),
    onBind: note('bind'),
    onUnbind: note('unbind'),
    onHave: note('have'),
    onWant: note('want'),
    onDrop: note('drop'),
    onRequest: note('request'),
    onCancel: note('cancel'),
    onPiece: note('piece'),
    onReject: note('reject'),
    onHashRequest: note('hashRequest'),
    onHashes: note('hashes'),
    onHashReject: note('hashReject'),
    onBitfield: note('bitfield'),
    onHavePiece: note('havePiece'),
    onHaveAll: note('haveAll'),
    onHaveNone: note('haveNone'),
    onClose: note('close'),
  }
}
