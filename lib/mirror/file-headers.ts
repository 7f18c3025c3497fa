/** The headers of a file, the same at the centre and at every volunteer: a client may go on at one where another broke off. */
import { etagOf, formatDigest, formatReprDigest, lastModifiedOf } from './digest-fields.js'
import { cacheControlOf } from './file-class.js'
import { mediaTypeOf } from './media-type.js'

export type FileFacts = {
  /** Below the module. */
  readonly name: string
  /** It came through a link, which may lead elsewhere tomorrow. */
  readonly byLink: boolean
  readonly validators: Validators
  /** In base64; null: not known yet. */
  readonly sha256: string | null
}

/** Headers by which a client tells one state of a file from another. */
export type Validators = { readonly etag: string; readonly 'last-modified': string }

export function validatorsOf(file: {
  readonly size: number
  readonly mtimeMs: number
}): Validators {
  return { etag: etagOf(file.mtimeMs, file.size), 'last-modified': lastModifiedOf(file.mtimeMs) }
}

/** Of a 200; a 206 and a 304 have some of them too. */
export function fileHeaders(file: FileFacts): Record<string, string> {
  const { name, sha256, byLink, validators } = file
  const digests =
    sha256 === null ? {} : { digest: formatDigest(sha256), 'repr-digest': formatReprDigest(sha256) }
  return {
    'content-type': mediaTypeOf(name.slice(name.lastIndexOf('/') + 1)),
    'accept-ranges': 'bytes',
    ...validators,
    ...digests,
    'cache-control': cacheControlOf(byLink ? '' : name),
    'x-content-type-options': 'nosniff',
  }
}
