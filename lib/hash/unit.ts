/**
 * The swarm unit: what is announced, picked and offered on. docs/architecture.md, the swarm: max(64 KiB, √length), rounded
 * up to a power of two, so that a unit is whole leaves and never crosses a 2 GiB window.
 */

/** Contents up to here are one unit, asked for and verified whole. */
export const SMALL_BYTES = 65536

/** Bytes of one unit of a content, but the last. */
export function unitBytesOf(length: number): number {
  let unit = SMALL_BYTES
  while (unit * unit < length) unit *= 2
  return unit
}

export function unitCountOf(length: number): number {
  return Math.ceil(length / unitBytesOf(length))
}
