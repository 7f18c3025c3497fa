/** What the last pull into a tree was asked for, kept in its index, so that `verify --repair` can ask for the same again. */
import { utf8Bytes, utf8Of } from '../base/bytes.js'
import { StartupError } from '../base/errors.js'
import type { FilterOption } from '../flist/filter.js'
import type { Store } from '../io/store.js'
import { type CentreUrl, formatCentreUrl, parseCentreUrl } from './centre.js'
import type { PullConfig } from './pull-report.js'

export type PullWish = {
  readonly url: CentreUrl
  readonly xattrs: boolean
  readonly numericIds: boolean
  readonly rules: readonly FilterOption[]
}

export function rememberWish(store: Store, wish: PullConfig): void {
  const { xattrs, numericIds, rules } = wish
  const text = JSON.stringify({ url: formatCentreUrl(wish.url), xattrs, numericIds, rules })
  store.transaction(() => store.putValue('wish', utf8Bytes(text)))
}

/** Null where nothing was pulled. @throws {StartupError} where the index holds something else */
export function rememberedWish(store: Store): PullWish | null {
  const bytes = store.value('wish')
  if (bytes === null) return null
  const wish: unknown = JSON.parse(utf8Of(bytes))
  if (typeof wish !== 'object' || wish === null) throw malformed()
  if (!('url' in wish && 'xattrs' in wish && 'numericIds' in wish && 'rules' in wish))
    throw malformed()
  const { url, xattrs, numericIds, rules } = wish
  if (typeof url !== 'string' || !Array.isArray(rules)) throw malformed()
  return {
    url: parseCentreUrl(url),
    xattrs: xattrs === true,
    numericIds: numericIds === true,
    rules: rules.map(ruleOf),
  }
}

function ruleOf(rule: unknown): FilterOption {
  if (typeof rule !== 'object' || rule === null || !('kind' in rule && 'text' in rule))
    throw malformed()
  const { kind, text } = rule
  if (typeof text !== 'string') throw malformed()
  if (kind === 'include' || kind === 'exclude' || kind === 'filter') return { kind, text }
  if (kind === 'include-from' || kind === 'exclude-from') return { kind, text, nul: false }
  throw malformed()
}

function malformed(): StartupError {
  return new StartupError('the index does not say what was pulled; pull again')
}
