/** The headers of a file, the same at the centre and at every volunteer: a client may go on at one where another broke off. */
import { etagOf, formatDigest, formatReprDigest, lastModifiedOf } from './digest-fields.js'
import { cacheControlOf } from './file-class.js'
import { mediaTypeOf } from './media-type.js'

export type FileFacts = {
  /** Below the module. */
  readonly name: string
  /** It came through a link, which may lead elsewhere tomorrow. */
  readonly byLink: boolean
  readonly size: number
  readonly mtimeMs: number
  /** Null: not known yet. */
  readonly sha256: Uint8Array | null
}

export function validatorsOf(file: Pick<FileFacts, 'size' | 'mtimeMs'>): {
  readonly etag: string
  readonly 'last-modified': string
} {
  return { etag: etagOf(file.mtimeMs, file.size), 'last-modified': lastModifiedOf(file.mtimeMs) }
}

/** Of a 200; a 206 and a 304 have some of them too. */
export function fileHeaders(file: FileFacts): Record<string, string> {
  const { name, sha256, byLink } = file
  const digests =
    sha256 === null ? {} : { digest: formatDigest(sha256), 'repr-digest': formatReprDigest(sha256) }
  return {
    'content-type': mediaTypeOf(name.slice(name.lastIndexOf('/') + 1)),
    'accept-ranges': 'bytes',
    ...validatorsOf(file),
    ...digests,
    'cache-control': cacheControlOf(byLink ? '' : name),
    'x-content-type-options': 'nosniff',
  }
}
