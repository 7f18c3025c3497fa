/** What this program and this machine can, of what both ends of a session must: as `--version` tells it. */
import { AUTH_DIGESTS } from '../hash/auth-digest.js'
import { CHECKSUMS, COMPRESSORS, PROTOCOL } from '../wire/negotiate.js'

export const ABILITIES = {
  protocol: PROTOCOL.own,
  checksums: [...CHECKSUMS, 'none'],
  compressors: [...COMPRESSORS, 'none'],
  authDigests: AUTH_DIGESTS,
} as const
