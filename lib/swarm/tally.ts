/** Bytes of contents as they came and went: what was of use by where from, so that it adds up to what was fetched. */
export type Tally = {
  /** Over the wire from the centre, and by its fallback over HTTP. */
  centreWire: number
  centreHttp: number
  peers: number
  /** Came and was of no use: had already, wrong, or of a content that was given up. */
  wasted: number
  /** Leaf hashes. */
  hashes: number
  sent: number
}

export function newTally(): Tally {
  return { centreWire: 0, centreHttp: 0, peers: 0, wasted: 0, hashes: 0, sent: 0 }
}

/** Bytes of one unit that came, until it is known what they are good for. */
export type Got = { peers: number; centre: number }

/** The unit is verified: its bytes were of use once, what came beyond its length was not. */
export function countUseful(tally: Tally, got: Got, length: number): void {
  const excess = Math.max(0, got.peers + got.centre - length)
  const fromPeers = Math.min(excess, got.peers)
  tally.wasted += excess
  tally.peers += got.peers - fromPeers
  tally.centreWire += got.centre - (excess - fromPeers)
  got.peers = 0
  got.centre = 0
}

export function countWasted(tally: Tally, got: Got): void {
  tally.wasted += got.peers + got.centre
  got.peers = 0
  got.centre = 0
}
