/** A line that `sha256sum -c` reads: `NAME.sha256`. */
import { bytesOf, hexOf, joined, utf8Bytes } from '../base/bytes.js'

/** @param base the last component of the name, one char per byte: it stands as it is, whatever its character set */
export function sumLine(sha256: Uint8Array, base: string): Uint8Array {
  const escaped = base.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
  // As coreutils writes it: a backslash before the sum says that the name is escaped.
  const mark = escaped === base ? '' : '\\'
  return joined([utf8Bytes(`${mark}${hexOf(sha256)}  `), bytesOf(`${escaped}\n`)])
}
