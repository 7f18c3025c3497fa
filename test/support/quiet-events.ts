/** Events that nobody listens to, to spread under the few a test is about. */
import type { TorrentEvents } from '../../lib/swarm/peer.js'

const nothing = (): void => {}

export const quietEvents: TorrentEvents = {
  onChoke: nothing,
  onUnchoke: nothing,
  onInterested: nothing,
  onNotInterested: nothing,
  onBind: nothing,
  onUnbind: nothing,
  onHave: nothing,
  onWant: nothing,
  onDrop: nothing,
  onRequest: nothing,
  onCancel: nothing,
  onPiece: nothing,
  onReject: nothing,
  onHashRequest: nothing,
  onHashes: nothing,
  onHashReject: nothing,
  onBitfield: nothing,
  onHavePiece: nothing,
  onHaveAll: nothing,
  onHaveNone: nothing,
  onClose: nothing,
}
