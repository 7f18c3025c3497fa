/** A choice → the redirect, with all that a client may check or go on with. 302, RFC 6249, RFC 3230. docs/decisions/0006. */
import type { HttpAnswer } from '../base/http.js'
import { formatDigest } from './digest-fields.js'
import { type FileFacts, validatorsOf } from './file-headers.js'
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
  const duplicates = alternates.map(
    ({ baseUrl }, i) => `<${baseUrl}${path}>; rel=duplicate; pri=${i + 2}; pref`,
  )
  const described =
    metalink === null ? [] : [`<${metalink}>; rel=describedby; type="${METALINK_TYPE}"`]
  const link = [...duplicates, ...described]
  return {
    status: 302,
    headers: {
      location: `${chosen.baseUrl}${path}`,
      'content-length': '0',
      'cache-control': 'no-store',
      ...validatorsOf(file),
      ...(file.sha256 === null ? {} : { digest: formatDigest(file.sha256) }),
      ...(link.length === 0 ? {} : { link }),
      vary: 'Accept',
      'referrer-policy': 'no-referrer',
      ...(isOpen ? { 'x-prsync-volunteer': chosen.id, 'x-prsync-reason': reason } : {}),
    },
  }
}
