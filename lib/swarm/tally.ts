/** Bytes of contents as they came and went, by where from. */
export type Tally = {
  /** Over the wire from the centre, and by its fallback over HTTP. */
  centreWire: number
  centreHttp: number
  peers: number
  /** Of all these: what was had already or was wrong. */
  wasted: number
  /** Leaf hashes. */
  hashes: number
  sent: number
}

export function newTally(): Tally {
  return { centreWire: 0, centreHttp: 0, peers: 0, wasted: 0, hashes: 0, sent: 0 }
}
