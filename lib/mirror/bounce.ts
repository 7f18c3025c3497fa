/**
 * A volunteer that cannot give a file sends the client back: 307 to the centre's own URL with
 * `?prsync-bounce=<volunteer>.<reason>.<hmac>`. The query makes it another URL, as clients take the same one for a loop. Only the
 * volunteer can say it of itself: its key is made from the centre's secret and given to it alone. docs/decisions/0044.
 */
import { createHmac } from 'node:crypto'
import { bytesOf, equalBytes, joined, utf8Bytes } from '../base/bytes.js'
import type { HttpAnswer } from '../base/http.js'

const PARAMETER = 'prsync-bounce'
/** The reason of one that has not got the content; any other is its own affair. */
export const LACKS = 'lacks'
/** Bytes of the HMAC that are told: nobody tries 2^96 URLs. */
const MAC_BYTES = 12

export type Bounce = {
  readonly volunteer: string
  readonly reason: string
  /** base64url. */
  readonly mac: string
}

/** What a volunteer signs its bounces with. @param secret of the centre, 32 bytes */
export function bounceKey(secret: Uint8Array, volunteer: string): Uint8Array {
  return createHmac('sha256', secret).update(`${PARAMETER} ${volunteer}`).digest()
}

/** @param path `module/name`, decoded @param reason a word of small letters */
export function formatBounce(
  key: Uint8Array,
  volunteer: string,
  reason: string,
  path: string,
): string {
  return `${PARAMETER}=${volunteer}.${reason}.${macOf(key, volunteer, reason, path)}`
}

/** Null where the query has none, or none that could be one. */
export function parseBounce(query: string): Bounce | null {
  const [, volunteer, reason, mac] =
    /(?:^|&)prsync-bounce=([A-Za-z0-9._-]{1,64})\.([a-z-]{1,32})\.([A-Za-z0-9_-]{16})(?:&|$)/.exec(
      query,
    ) ?? []
  return volunteer === undefined || reason === undefined || mac === undefined
    ? null
    : { volunteer, reason, mac }
}

/** Did the volunteer say this of this file? */
export function isGenuine(
  key: Uint8Array,
  { volunteer, reason, mac }: Bounce,
  path: string,
): boolean {
  return equalBytes(utf8Bytes(mac), utf8Bytes(macOf(key, volunteer, reason, path)))
}

/** The volunteer's answer. @param url of the file at the centre, without a query @param bounce of `formatBounce` */
export function bounceAnswer(url: string, bounce: string): HttpAnswer {
  const location = `${url}?${bounce}`
  const headers = { location, 'content-length': '0', 'cache-control': 'no-store' }
  return { status: 307, headers }
}

function macOf(key: Uint8Array, volunteer: string, reason: string, path: string): string {
  const said = joined([utf8Bytes(`${volunteer}\n${reason}\n`), bytesOf(path)])
  const mac = createHmac('sha256', key).update(said).digest()
  return mac.subarray(0, MAC_BYTES).toString('base64url')
}
