/** Who of several gets a key, the same each time, and few keys move when somebody comes or goes. Rendezvous hashing. */

/** Higher wins. 32 bits of FNV-1a over both, mixed as in MurmurHash3's end. */
export function rendezvous(key: string, id: string): number {
  return rendezvousFrom(rendezvousStart(key), id)
}

/** The part of it that is the key's. */
export function rendezvousStart(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash
}
/** @param start of the key */
export function rendezvousFrom(start: number, id: string): number {
  let hash = start
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
