/** Ranges of addresses as admins write them: `192.0.2.0/24`, `2001:db8::/32`, or one address. */
import { addressOf } from '../bt/compact-peers.js'
import type { Network } from '../mirror/volunteer.js'

/** Null: it is none. */
export function parseNetwork(text: string): Network | null {
  const [host = '', length, more] = text.split('/')
  const address = addressOf(host)
  if (address === null || more !== undefined) return null
  const all = address.length * 8
  if (length === undefined) return { address, bits: all }
  const bits = /^\d{1,3}$/.test(length) ? Number(length) : all + 1
  return bits > all ? null : { address, bits }
}
