/** Events that mean nothing to an ordinary torrent, to stand under those that do. */
import type { TorrentEvents } from './peer.js'

const nothing = (): void => {}

export const DEAF: TorrentEvents = {
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
