/** The Content-Type of a file, by its name: what nobody has registered is plain text or bytes. */
import { lookup } from 'mime-types'

const BYTES = 'application/octet-stream'
const TEXT = 'text/plain; charset=utf-8'

/** Names of repositories that are text and have no registered ending. */
const TEXTS =
  /^(InRelease|Release|Packages|Sources|Contents-[^.]+|Translation-[^.]+|Index|README.*|MD5SUMS|SHA\d+SUMS|CHECKSUM|COPYING|LICENSE|ls-lR)$|\.(dsc|changes|buildinfo|sha\d+|md5|sha\d+sum|md5sum|sums|treeinfo|discinfo|repo|list|mirrorlist)$/
/** Endings that are registered and missing from the library, or other things in a mirror than there. */
const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/\.zst$/, 'application/zstd'], // RFC 8878
  [/\.(rpm|drpm)$/, 'application/x-rpm'],
  [/\.(apk|img|bin|raw|exe|dmg|msi)$/, BYTES],
  [/\.ddeb$/, 'application/x-debian-package'],
  [/\.asc$/, TEXT], // signatures as often as keys
]

/** @param base the last component of the name */
export function mediaTypeOf(base: string): string {
  if (TEXTS.test(base)) return TEXT
  for (const [ending, type] of ENDINGS) if (ending.test(base)) return type
  const type = base.includes('.') ? lookup(base) : false
  if (type === false) return BYTES
  return type === 'text/plain' ? TEXT : type
}
