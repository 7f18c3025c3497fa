/** Names of addresses and addresses of names, by the resolver of this machine. */
import dns from 'node:dns/promises'

/** Null where there is none, or none that leads back to the address. */
export async function nameOfAddress(address: string): Promise<string | null> {
  try {
    const { hostname } = await dns.lookupService(address, 0)
    if (hostname === address) return null
    const back = await addressesOfName(hostname)
    return back?.includes(address.replace(/^::ffff:/, '')) === true ? hostname : null
  } catch {
    // No name, or no name server that answers: as good as none.
    return null
  }
}

/** Null where the name is not found. */
export async function addressesOfName(name: string): Promise<readonly string[] | null> {
  try {
    return (await dns.lookup(name, { all: true })).map(({ address }) => address)
  } catch {
    // Whoever asks treats what cannot be found as a match where that is the safer side.
    return null
  }
}
