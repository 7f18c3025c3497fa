/** A Link whose other side is a recording: it says all of that, and what is written to it is kept. */
import { joined } from '../../lib/base/bytes.js'
import type { Link } from '../../lib/host.js'

export type ScriptedLink = Link & { said(): Uint8Array; readonly isClosed: boolean }

/** @param step bytes that come at a time */
export function scriptedLink(script: Uint8Array, step = 7): ScriptedLink {
  const said: Uint8Array[] = []
  let at = 0
  let isClosed = false
  return {
    read: async (signal) => {
      signal.throwIfAborted()
      const chunk = script.subarray(at, at + step)
      at += chunk.length
      return chunk.length === 0 ? null : Uint8Array.from(chunk)
    },
    write: async (bytes) => {
      said.push(Uint8Array.from(bytes))
    },
    close: async () => {
      isClosed = true
    },
    said: () => joined(said),
    get isClosed() {
      return isClosed
    },
  }
}
