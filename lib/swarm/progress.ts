/** How a swarm stands, for who looks at it. */
import type { Neighbour } from './item.js'
import type { PeerAddress } from './peer-port.js'
import type { Ban } from './peers.js'
import type { Tally } from './tally.js'

export type Progress = {
  readonly peers: number
  readonly bytes: Readonly<Tally>
  /** Copies the centre gave beyond the first of each unit. */
  readonly repeats: number
  readonly perPeer: readonly {
    readonly remote: PeerAddress
    readonly isCentre: boolean
    readonly received: number
    readonly sent: number
    readonly receiveRate: number
    readonly sendRate: number
  }[]
  readonly bans: readonly Ban[]
}

export function progressOf(
  neighbours: readonly Neighbour[],
  tally: Tally,
  repeats: number,
  bans: readonly Ban[],
  now: number,
): Progress {
  return {
    peers: neighbours.length,
    bytes: { ...tally },
    repeats,
    perPeer: neighbours.map((n) => ({
      remote: n.peer.remote,
      isCentre: n.isCentre,
      received: n.down.total,
      sent: n.up.total,
      receiveRate: n.down.rate(now),
      sendRate: n.up.rate(now),
    })),
    bans,
  }
}
