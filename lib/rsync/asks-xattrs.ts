import { isDryOnWire, type Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import { has, type Terms } from '../wire/terms.js'

/** Do wants follow an item, and values its answer? Some peers do not ask for attributes of what becomes a link. */
export function asksXattrs(options: Options, terms: Terms, iflags: number): boolean {
  if (options.xattrs === 0 || isDryOnWire(options) || (iflags & ITEM.xattr) === 0) return false
  const isOptimized = terms.protocol >= 31 && !has(terms, 'avoidXattrOptimization')
  return !(isOptimized && (iflags & ITEM.xname) !== 0 && (iflags & ITEM.local) !== 0)
}
