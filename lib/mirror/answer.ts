/** A choice → the redirect, with all that a client may check or go on with. 302, RFC 6249, RFC 3230. docs/decisions/0006. */
import type { HttpAnswer } from '../base/http.js'
import { formatDigest } from './digest-fields.js'
import type { FileFacts } from './file-headers.js'
import { METALINK_TYPE } from './metalink.js'
import type { Choice } from './select.js'

export type Redirect = {
  readonly choice: Extract<Choice, { kind: 'redirect' }>
  readonly file: FileFacts
  /** What follows the volunteer's base URL: `/module/name`, percent-encoded. */
  readonly path: string
  /** Of the metalink of the file; null: this client does not hear of it. */
  readonly metalink: string | null
  /** Says which volunteer and why in headers of its own. */
  readonly isOpen: boolean
}

export function redirectAnswer({ choice, file, path, metalink, isOpen }: Redirect): HttpAnswer {
  const { chosen, alternates, reason } = choice
  const link = alternates.map(
    ({ baseUrl }, i) => `<${baseUrl}${path}>; rel=duplicate; pri=${i + 2}; pref`,
  )
  if (metalink !== null) link.push(`<${metalink}>; rel=describedby; type="${METALINK_TYPE}"`)
  // one by one: spreading objects takes longer than to choose a volunteer
  const headers: Record<string, string | readonly string[]> = {
    location: chosen.baseUrl + path,
    'content-length': '0',
    'cache-control': 'no-store',
    etag: file.validators.etag,
    'last-modified': file.validators['last-modified'],
  }
  if (file.sha256 !== null) headers['digest'] = formatDigest(file.sha256)
  if (link.length > 0) headers['link'] = link
  headers['vary'] = 'Accept'
  headers['referrer-policy'] = 'no-referrer'
  if (isOpen) {
    headers['x-prsync-volunteer'] = chosen.id
    headers['x-prsync-reason'] = reason
  }
  return { status: 302, headers }
}
