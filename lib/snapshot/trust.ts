/** Is this head the one to follow? The pinned key, no going back, not expired. Pure: time and pins are arguments. */
import { TrustError } from '../base/errors.js'
import { decodeHead, fingerprint, type Head, headDigest } from './head.js'

/** What a node remembers of a module. */
export type Pin = {
  /** fingerprint() of the module's key. */
  readonly fingerprint: string
  /** The highest sequence seen, and its headDigest(). */
  readonly sequence: number
  readonly digest: string
}

export type Expectation = {
  /** The module that was asked for. */
  readonly module: string
  /** From the last run; null at the first. */
  readonly pin: Pin | null
  /** `--key`: what the admin says the key is; null: pin what comes first. */
  readonly fingerprint: string | null
  /** Seconds since the epoch. */
  readonly now: number
}

/**
 * @returns the head, and the pin to keep once it is followed
 * @throws {TrustError} saying which rule it breaks and what to do
 */
export function trustHead(bytes: Uint8Array, expected: Expectation): { head: Head; pin: Pin } {
  const head = decodeHead(bytes)
  const found = fingerprint(head.key)
  if (head.module !== expected.module)
    throw new TrustError(`head is of module ${head.module}, not ${expected.module}`)
  const wanted = expected.fingerprint ?? expected.pin?.fingerprint ?? found
  if (found !== wanted)
    throw new TrustError(
      `signed by key ${found}, but ${wanted} is trusted; if the centre has a new key, check it there and pull with --key ${found}`,
    )
  // A new key, confirmed by the admin, starts a new line of sequences.
  const pin = expected.pin?.fingerprint === found ? expected.pin : null
  const digest = headDigest(bytes)
  if (pin !== null && head.sequence < pin.sequence)
    throw new TrustError(
      `rollback: sequence ${head.sequence} is older than ${pin.sequence}, seen before`,
    )
  if (pin !== null && head.sequence === pin.sequence && digest !== pin.digest)
    throw new TrustError(
      `two different heads with sequence ${head.sequence}: the centre contradicts itself`,
    )
  if (head.expires < expected.now)
    throw new TrustError(
      `expired ${new Date(head.expires * 1000).toISOString()}: the centre no longer publishes, or this clock is wrong`,
    )
  return { head, pin: { fingerprint: found, sequence: head.sequence, digest } }
}
