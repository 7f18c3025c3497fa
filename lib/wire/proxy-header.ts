/** What a proxy says of the client before the client speaks: the PROXY protocol of HAProxy, versions 1 and 2. */
import { Cursor } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'

/** Null: the connection is the proxy's own. */
export type ProxiedAddress = string | null

/** The first bytes tell the versions apart. */
export const PROXY_HEAD_BYTES = 6
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'
/** Of version 2, before the addresses: signature, version and command, family, length. */
export const PROXY_V2_BYTES = 16

export function proxyVersion(head: string): 1 | 2 {
  if (head === 'PROXY ') return 1
  if (head === SIGNATURE.slice(0, PROXY_HEAD_BYTES)) return 2
  throw new WireError('the proxy did not say who connects')
}

/** Version 1, a line without its end. @throws {WireError} */
export function parseProxyLine(line: string): ProxiedAddress {
  if (/^PROXY UNKNOWN( |$)/.test(line)) return null
  const match =
    /^PROXY TCP([46]) ([0-9a-fA-F:.]{2,45}) ([0-9a-fA-F:.]{2,45}) (\d{1,5}) (\d{1,5})$/.exec(line)
  const [, family, from = ''] = match ?? []
  if (
    match === null ||
    from.includes(':') !== (family === '6') ||
    line.length > LIMITS.proxyLineBytes
  )
    throw new WireError('malformed proxy line')
  return from
}

/** How many bytes follow the fixed head of version 2. @throws {WireError} */
export function decodeProxyLength(head: Uint8Array): number {
  const from = new Cursor(head)
  if (from.latin1(SIGNATURE.length) !== SIGNATURE) throw new WireError('malformed proxy header')
  from.take(2)
  const length = from.u16be()
  if (length > LIMITS.proxyHeaderBytes) throw new WireError(`proxy header of ${length} bytes`)
  return length
}

/** Version 2, all of it. @throws {WireError} */
export function decodeProxyHeader(bytes: Uint8Array): ProxiedAddress {
  const from = new Cursor(bytes)
  const length = decodeProxyLength(from.view(PROXY_V2_BYTES))
  const command = bytes[12] ?? 0
  const family = bytes[13] ?? 0
  if (command >> 4 !== 2 || (command & 15) > 1) throw new WireError('malformed proxy header')
  const addresses = new Cursor(from.view(length))
  if ((command & 15) === 0) return null
  if (family === 0x11 && length >= 12) return [...addresses.view(4)].join('.')
  if (family !== 0x21 || length < 36) throw new WireError('a proxy for something else than TCP')
  const groups = Array.from({ length: 8 }, () => addresses.u16be().toString(16))
  // As people write it, with `::` for the longest run of zeros.
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}
