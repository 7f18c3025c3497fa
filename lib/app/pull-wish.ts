/** What the last pull into a tree was asked for, kept in its index, so that `verify --repair` can ask for the same again. */
import { utf8Bytes, utf8Of } from '../base/bytes.js'
import { StartupError } from '../base/errors.js'
import type { Store } from '../io/store.js'
import { type CentreUrl, formatCentreUrl, parseCentreUrl } from './centre.js'
import type { PullConfig } from './pull-report.js'

export type PullWish = {
  readonly url: CentreUrl
  readonly xattrs: boolean
  readonly numericIds: boolean
}

export function rememberWish(store: Store, wish: PullConfig): void {
  const { xattrs, numericIds } = wish
  const text = JSON.stringify({ url: formatCentreUrl(wish.url), xattrs, numericIds })
  store.transaction(() => store.putValue('wish', utf8Bytes(text)))
}

/** Null where nothing was pulled. @throws {StartupError} where the index holds something else */
export function rememberedWish(store: Store): PullWish | null {
  const bytes = store.value('wish')
  if (bytes === null) return null
  const wish: unknown = JSON.parse(utf8Of(bytes))
  if (typeof wish !== 'object' || wish === null) throw malformed()
  if (!('url' in wish && 'xattrs' in wish && 'numericIds' in wish)) throw malformed()
  const { url, xattrs, numericIds } = wish
  if (typeof url !== 'string') throw malformed()
  return { url: parseCentreUrl(url), xattrs: xattrs === true, numericIds: numericIds === true }
}

function malformed(): StartupError {
  return new StartupError('the index does not say what was pulled; pull again')
}
