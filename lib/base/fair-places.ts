/** Places that many addresses want: the swarm's connections, a daemon's. docs/decisions/0017-room-for-connections.md. */

/**
 * May an address have one more connection, of `most` for all? No address takes more than half of what is left, so that a
 * few cannot lock the others out: it takes one for each doubling of the places.
 */
export function mayEnter(ofAddress: number, ofAll: number, most: number): boolean {
  return ofAddress < most - ofAll
}
