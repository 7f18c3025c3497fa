/**
 * Who a client is where proxies stand before us: the last address of X-Forwarded-For that none of ours wrote for another of ours. Only
 * proxies that were named are believed; what clients write themselves stands before it and counts for nothing.
 */
import { addressOf, hostOf } from '../bt/compact-peers.js'
import { isWithin, type Network } from '../mirror/volunteer.js'

/** @param peer who is connected @param forwarded X-Forwarded-For; several lines are joined by commas */
export function clientAddress(
  peer: string,
  forwarded: string | undefined,
  trusted: readonly Network[],
): string {
  const isTrusted = (address: string): boolean => trusted.some((each) => isWithin(each, address))
  let client = addressOf(peer)
  if (client === null || forwarded === undefined || trusted.length === 0) return peer
  for (const hop of forwarded.split(',').reverse()) {
    if (!isTrusted(client)) break
    const address = addressOf(hop.trim().replace(/^\[(.*)\](:\d+)?$|^(\d[\d.]*):\d+$/, '$1$3'))
    // what is no address was not written by a proxy of ours
    if (address === null) break
    client = address
  }
  return hostOf(client)
}
