/** What has to come before what: packages before the indices that name them, as ftpsync's two stages do. */
import { type ByteName, baseOf } from '../base/byte-name.js'

const INDEX_NAME =
  /^(InRelease|Release|Release\.gpg|(Packages|Sources|Contents|Translation)[-.A-Za-z0-9_]*|repomd\.xml.*|APKINDEX.*|content|.*\.(asc|sig))$/
const INDEX_DIRECTORY = /(^|\/)(repodata|media\.1|by-hash)\//

/** Does a package manager learn from this file which other files there are? */
export function isRepositoryIndex(name: ByteName): boolean {
  return INDEX_NAME.test(baseOf(name)) || INDEX_DIRECTORY.test(name)
}
