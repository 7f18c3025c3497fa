/**
 * The filter rules that a client sends before anything else. Each is an int32 length and its text; length 0 ends them.
 * prsync-protocol(7), filter list.
 */
import type { Cursor, Writer } from '../base/bytes.js'
import { ProtocolError, UsageError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { type FilterRule, formatRule, type PatternRule, parseFilters } from '../flist/filter.js'

export type FilterExchange = {
  readonly protocol: number
  /** The client sends files, and the server receives them. */
  readonly isPush: boolean
  /** Any of --delete. */
  readonly deletes: boolean
  readonly deleteExcluded: boolean
  readonly pruneEmptyDirs: boolean
}

/** Does a list go over the wire, be it an empty one? */
export function hasFilterList(how: FilterExchange): boolean {
  if (!how.isPush || how.pruneEmptyDirs) return true
  return how.deletes && (!how.deleteExcluded || how.protocol >= 29)
}

/**
 * Of the client's rules those that the server has a use for.
 * @param cvsRules what -C adds to them; a server that sends adds them itself
 */
export function rulesForPeer(
  rules: readonly FilterRule[],
  cvsRules: readonly FilterRule[],
  how: FilterExchange,
): FilterRule[] {
  const all = how.isPush ? [...rules, ...cvsRules.filter((rule) => isSayable(rule, how))] : rules
  return all.filter((rule) => {
    const { sender, receiver } = rule.kind === 'dir-merge' ? rule.traits : rule
    if (!sender && !receiver) return !(how.isPush && how.deleteExcluded)
    if (sender && receiver) return true
    return how.isPush ? receiver : sender
  })
}
/** Before protocol 29 the server adds its own `:C`. */
function isSayable(rule: FilterRule, { protocol }: FilterExchange): boolean {
  return protocol >= 29 || rule.kind !== 'dir-merge'
}

/** @throws {ProtocolError} on a rule that an old protocol has no word for */
export function writeFilterList(w: Writer, rules: readonly FilterRule[], protocol: number): void {
  for (const rule of rules) {
    const text = protocol < 29 ? formatOld(rule) : formatRule(sayable(rule, protocol))
    if (text.length > LIMITS.wireFilterRuleBytes)
      throw new UsageError(`filter rule of ${text.length} bytes`)
    w.i32le(text.length)
    w.latin1(text)
  }
  w.i32le(0)
}
/** Perishable is a word of protocol 30. */
function sayable(rule: FilterRule, protocol: number): FilterRule {
  if (protocol >= 30) return rule
  return rule.kind === 'dir-merge'
    ? { ...rule, traits: { ...rule.traits, perishable: false } }
    : { ...rule, perishable: false }
}
function formatOld(rule: FilterRule): string {
  if (rule.kind === 'dir-merge' || isModern(rule))
    throw new ProtocolError('filter rules are too modern for the other side')
  const { kind, pattern } = rule
  if (kind === 'include') return `+ ${pattern}`
  return /^[-+] |^!$/.test(pattern) ? `- ${pattern}` : pattern
}
function isModern({ sender, receiver, absolute, negated, xattr }: PatternRule): boolean {
  return sender !== receiver || absolute || negated || xattr
}

/** All of them; underflows until all are there. @throws {WireError} on a rule that is none */
export function readFilterList(c: Cursor, protocol: number): readonly FilterRule[] {
  const texts: string[] = []
  for (;;) {
    const length = c.i32le()
    if (length === 0) break
    if (length < 0 || length > LIMITS.wireFilterRuleBytes || texts.length >= LIMITS.filterRules)
      throw new WireError(`filter rule of ${length} bytes`)
    const text = c.latin1(length)
    if (text.includes('\0')) throw new WireError('filter rule with a NUL byte')
    texts.push(text)
  }
  const kind = protocol < 29 ? 'exclude' : 'filter'
  try {
    return parseFilters(
      texts.map((text) => ({ kind, text })),
      NO_FILES,
    )
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new WireError(error.message, { cause: error })
  }
}

/** A client reads its own files; what it names here would be the server's. */
const NO_FILES = {
  read(): never {
    throw new WireError('a merge file in a filter list')
  },
  cvsIgnore: [],
}
