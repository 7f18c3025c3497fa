/**
 * What the name of a file tells about it: what a package manager trusts everything else by, and what never changes under its
 * name. Names are as they stand below a module.
 */

/** A signed index, a signature, a list of sums, and what is signed together with them. */
export function isMetadata(name: string): boolean {
  const base = name.slice(name.lastIndexOf('/') + 1)
  return METADATA_NAME.test(base) || METADATA_ENDING.test(base) || METADATA_FOLDER.test(name)
}

const METADATA_NAME =
  /^(InRelease|(Release|Packages|Sources|Contents|Translation|Components|Commands|icons|Index|INDEX|repomd\.xml|APKINDEX|content|products|media|ls-lR|MD5SUMS|SHA\d*SUMS|CHECKSUM|packagesite|\.?treeinfo|\.?discinfo)([-_.].*)?)$/
const METADATA_ENDING =
  /\.(asc|sig|sign|gpg|rsa|sha\d+|md5|sha\d+sums?|md5sums?|meta4|metalink|torrent|zsync|mirrorlist|(db|files)(\.tar(\.\w+)?)?)$/
const METADATA_FOLDER =
  /(^|\/)(repodata\/[^/]*\.(xml|sqlite|yaml|zck|modules)|media\.\d+\/|by-hash\/)/

/** Another content comes under another name: packages, files named by a hash, images with a whole version or a date. */
export function isVersioned(name: string): boolean {
  const base = name.slice(name.lastIndexOf('/') + 1)
  if (BY_HASH.test(name)) return true
  if (isMetadata(name)) return false
  return (PACKAGE.test(base) && /\d/.test(base)) || (ARCHIVE.test(base) && VERSION.test(base))
}

const BY_HASH = /(^|\/)(by-hash\/\w+\/[0-9a-f]{32,}|repodata\/[0-9a-f]{32,}-[^/]+)$/
const PACKAGE = /[-_]\S*\.(u?deb|ddeb|d?rpm|apk|whl|gem|crate|pkg\.tar\.\w+)$/
const ARCHIVE =
  /\.(iso|img|raw|qcow2|vmdk|vhdx?|ova|tar|zip|exe|msi|dmg|jar|t[gbx]z2?|gz|bz2|xz|zst)$/
/** Two numbers may be a series that is built again and again (22.04), three are a version. */
const VERSION = /(^|[-_.v])(\d+\.\d+\.\d+|20\d\d-?[01]\d-?[0-3]\d)(?!\d)/

/** Other files as these stand elsewhere: those of images and archives, of what is compressed none, else nobody knows. */
export function mayHoldFiles(name: string): 'yes' | 'perhaps' | 'no' {
  if (HOLDS_FILES.test(name)) return 'yes'
  return COMPRESSED.test(name) ? 'no' : 'perhaps'
}

const HOLDS_FILES =
  /\.(iso|img|raw|bin|dmg|udf|qcow2?|vmdk|vdi|vhdx?|ova|tar|cpio|zip|jar|war|a|squashfs|sfs|snap|appimage)$/i
const COMPRESSED =
  /\.(u?deb|ddeb|d?rpm|apk|whl|gem|crate|egg|gz|tgz|bz2|tbz2?|xz|txz|lzma|lz4?|zst|zck|br|7z|rar|jpe?g|png|webp|mp[34]|mkv|webm|og[gv]|opus|flac)$/i

/** RFC 9111 §5.2.2; a name that leads elsewhere from time to time is not `isVersioned`, however it looks. */
export function cacheControlOf(name: string): string {
  return isVersioned(name)
    ? 'public, max-age=31536000, immutable'
    : 'public, max-age=60, must-revalidate'
}
