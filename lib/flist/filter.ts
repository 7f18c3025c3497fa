/**
 * rsync's filter rules as text: options and files → rules, and rules → the text that goes over the wire.
 * rsync(1) FILTER RULES; prsync-protocol(7), filter list. What a merge file holds is asked for: this stays pure.
 * Texts are strings of one char per byte, as names are.
 */
import { UsageError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { CVS_PATTERNS } from './filter-cvs.js'
import { splitRules } from './filter-text.js'

/** What rules of one file or option have in common: the modifiers `/ s r p x`. */
export type RuleTraits = {
  /** `/`: matched against the path in the file system, not the name in the transfer. */
  readonly absolute: boolean
  /** The rule says that it is for the sender, or for the receiver. Neither said: for both. */
  readonly sender: boolean
  readonly receiver: boolean
  /** Ignored within directories that are being deleted. */
  readonly perishable: boolean
  /** About names of extended attributes, not of files. */
  readonly xattr: boolean
}

export type PatternRule = RuleTraits & {
  readonly kind: 'include' | 'exclude'
  /** As written: a leading `/` anchors, a trailing one means directories only. */
  readonly pattern: string
  /** `!`: it takes effect where the pattern does not match. */
  readonly negated: boolean
  /** It was read from a file, or is one of those that -C knows. */
  readonly origin?: 'file' | 'cvs'
}

/** How the lines of a filter file are read. */
export type FileSyntax = {
  /** Every line is a pattern of this kind; null: a rule with its prefix. */
  readonly only: 'include' | 'exclude' | null
  readonly wordSplit: boolean
  /** `C`: only excludes, but `!` clears. */
  readonly cvs: boolean
  readonly traits: RuleTraits
}

export type DirMergeRule = FileSyntax & {
  readonly kind: 'dir-merge'
  /** The name of the file to look for in each directory; a path is looked for from there downwards. */
  readonly file: string
  readonly noInherit: boolean
  /** `e`: the file itself is excluded. */
  readonly excludeSelf: boolean
}

export type FilterRule = PatternRule | DirMergeRule
/** It says the same of a name wherever the trees stand, and reads no file. */
export function isOfNamesAlone(rule: FilterRule): boolean {
  return rule.kind !== 'dir-merge' && !rule.absolute
}

export type FilterSource = {
  /** The text of a file of rules. @param kind as an error tells it @throws what the reader throws when there is none. */
  read(file: string, kind?: 'include' | 'exclude'): string
  /** The texts of ~/.cvsignore and $CVSIGNORE, as far as they are. */
  readonly cvsIgnore: readonly string[]
}

/** Rules of a file or an option; `cleared`: rules before them are no longer in force. */
export type ParsedRules = { readonly rules: readonly FilterRule[]; readonly cleared: boolean }

const NO_TRAITS: RuleTraits = {
  absolute: false,
  sender: false,
  receiver: false,
  perishable: false,
  xattr: false,
}
const RULES: FileSyntax = { only: null, wordSplit: false, cvs: false, traits: NO_TRAITS }

/** What the options say, in their order; from files is told apart by the caller's reading them. */
export type FilterOption =
  | { readonly kind: 'filter'; readonly text: string }
  | { readonly kind: 'include' | 'exclude'; readonly text: string }
  /** The text of an --include-from or --exclude-from file. */
  | { readonly kind: 'include-from' | 'exclude-from'; readonly text: string; readonly nul: boolean }

/** @throws {UsageError} on a rule that is none. */
export function parseFilters(
  options: readonly FilterOption[],
  source: FilterSource,
): readonly FilterRule[] {
  const parser = new Parser(source)
  for (const option of options) parser.option(option)
  return parser.parsed().rules
}

/** The rules of a per-directory file. @throws {UsageError} */
export function parseDirMerge(rule: DirMergeRule, text: string, source: FilterSource): ParsedRules {
  const parser = new Parser(source)
  parser.file(text, rule, 1)
  return parser.parsed()
}

/** `-F`, the first and the second. */
export const F_RULES: readonly string[] = [': /.rsync-filter', '- .rsync-filter']
/** What `-C` adds behind all other rules. */
export const C_RULES: readonly string[] = [':C', '-C']

class Parser {
  readonly #source: FilterSource
  #rules: FilterRule[] = []
  #cleared = false
  #origin: PatternRule['origin']

  constructor(source: FilterSource, origin?: PatternRule['origin']) {
    this.#source = source
    this.#origin = origin
  }
  parsed(): ParsedRules {
    return { rules: this.#rules, cleared: this.#cleared }
  }

  option(option: FilterOption): void {
    switch (option.kind) {
      case 'filter':
        this.#rule(option.text, RULES, 0)
        break
      case 'include':
      case 'exclude':
        this.#oldStyle(option.text, option.kind)
        break
      case 'include-from':
      case 'exclude-from': {
        const kind = option.kind === 'include-from' ? 'include' : 'exclude'
        const before = this.#origin
        this.#origin = 'file'
        for (const line of splitRules(option.text, {
          words: false,
          nul: option.nul,
        }))
          this.#oldStyle(line, kind)
        this.#origin = before
        break
      }
    }
  }

  file(text: string, syntax: FileSyntax, depth: number): void {
    if (depth > LIMITS.filterDepth)
      throw new UsageError('filter files merge each other without end')
    const how = { words: syntax.wordSplit, nul: false }
    const before = this.#origin
    this.#origin = 'file'
    for (const line of splitRules(text, how)) {
      if (syntax.only === null) this.#rule(line, syntax, depth)
      else if (syntax.cvs && line === '!') this.#clear()
      else this.#pattern(syntax.only, line, syntax.traits, false)
    }
    this.#origin = before
  }

  /** `--include`, `--exclude`: a pattern, or one with `+ ` or `- ` before it, or `!`. */
  #oldStyle(text: string, kind: 'include' | 'exclude'): void {
    if (text === '!') this.#clear()
    else if (text.startsWith('- ')) this.#pattern('exclude', text.slice(2), NO_TRAITS, false)
    else if (text.startsWith('+ ')) this.#pattern('include', text.slice(2), NO_TRAITS, false)
    else this.#pattern(kind, text, NO_TRAITS, false)
  }

  #rule(text: string, syntax: FileSyntax, depth: number): void {
    if (text === '') return // as rsync does
    const head = parseHead(text)
    const { letter, modifiers, rest } = head
    const traits = traitsOf(head, syntax.traits, text)
    switch (letter) {
      case '!':
        if (!/^(!|clear),?$/.test(text)) throw unknownRule(text)
        this.#clear()
        break
      case '.':
      case ':':
        this.#merge(head, traits, depth, text)
        break
      default: {
        const kind = '-HP'.includes(letter) ? 'exclude' : 'include'
        // rsync takes an argument here, and leaves it aside.
        if (modifiers.includes('C')) {
          this.#cvs(kind, traits)
        } else {
          if (rest === '') throw unknownRule(text)
          this.#pattern(kind, rest, traits, modifiers.includes('!'))
        }
      }
    }
  }

  #merge(head: Head, traits: RuleTraits, depth: number, text: string): void {
    const { letter, modifiers, rest } = head
    const cvs = modifiers.includes('C')
    const only =
      modifiers.includes('-') || cvs ? 'exclude' : modifiers.includes('+') ? 'include' : null
    if (/[-+C].*[-+C]/.test(modifiers)) throw unknownRule(text)
    const file = rest === '' && cvs ? '.cvsignore' : rest
    if (file === '') throw unknownRule(text)
    const syntax = { only, wordSplit: cvs || modifiers.includes('w'), cvs, traits } as const
    const excludeSelf = modifiers.includes('e')
    if (letter === ':') {
      const noInherit = cvs || modifiers.includes('n')
      this.#add({ kind: 'dir-merge', file, ...syntax, noInherit, excludeSelf })
      return
    }
    if (excludeSelf) this.#pattern('exclude', fileBase(file), NO_TRAITS, false)
    this.file(this.#source.read(file), syntax, depth + 1)
  }

  /** A list of its own: `!` in it leaves the other rules alone. */
  #cvs(kind: 'include' | 'exclude', traits: RuleTraits): void {
    const list = new Parser(this.#source, 'cvs')
    const perishable = { ...traits, perishable: true }
    for (const pattern of CVS_PATTERNS) list.#pattern(kind, pattern, perishable, false)
    const syntax = { only: kind, wordSplit: true, cvs: true, traits: perishable } as const
    for (const text of this.#source.cvsIgnore) list.file(text, syntax, 1)
    for (const rule of list.#rules) this.#add(rule)
  }

  #pattern(
    kind: 'include' | 'exclude',
    pattern: string,
    traits: RuleTraits,
    negated: boolean,
  ): void {
    if (pattern.length > LIMITS.filterRuleBytes)
      throw new UsageError(`filter rule of ${pattern.length} bytes`)
    const rule = { kind, pattern, ...traits, negated }
    this.#add(this.#origin === undefined ? rule : { ...rule, origin: this.#origin })
  }
  #add(rule: FilterRule): void {
    if (this.#rules.length >= LIMITS.filterRules)
      throw new UsageError(`more than ${LIMITS.filterRules} filter rules`)
    this.#rules.push(rule)
  }
  #clear(): void {
    this.#rules = []
    this.#cleared = true
  }
}

type Head = { readonly letter: string; readonly modifiers: string; readonly rest: string }

const LONG_NAMES: ReadonlyMap<string, string> = new Map([
  ['exclude', '-'],
  ['include', '+'],
  ['merge', '.'],
  ['dir-merge', ':'],
  ['hide', 'H'],
  ['show', 'S'],
  ['protect', 'P'],
  ['risk', 'R'],
  ['clear', '!'],
])
const MODIFIERS: ReadonlyMap<string, string> = new Map([
  ['-', '/!Csrpx'],
  ['+', '/!Csrpx'],
  ['H', '/!px'],
  ['S', '/!px'],
  ['P', '/!px'],
  ['R', '/!px'],
  ['.', '/Cenw-+srpx'],
  [':', '/Cenw-+srpx'],
  ['!', ''],
])

/** `RULE,MODIFIERS PATTERN`, or the short `RULEMODIFIERS_PATTERN`. */
function parseHead(text: string): Head {
  const long = /^([a-z-]{4,})(?:,([^ _]*))?(?:[ _](.*))?$/s.exec(text)
  const named = long === null ? undefined : LONG_NAMES.get(long[1] ?? '')
  const short = /^([-+.:!HSPR]),?([^ _]*)(?:[ _](.*))?$/s.exec(text)
  const letter = named ?? short?.[1]
  const modifiers = (named !== undefined ? long?.[2] : short?.[2]) ?? ''
  const rest = (named !== undefined ? long?.[3] : short?.[3]) ?? ''
  if (letter === undefined) throw unknownRule(text)
  const allowed = MODIFIERS.get(letter) ?? ''
  for (const modifier of modifiers) if (!allowed.includes(modifier)) throw unknownRule(text)
  return { letter, modifiers, rest }
}

/** A rule's own traits and those of the file it stands in, which may fix the side for all. */
function traitsOf(head: Head, file: RuleTraits, text: string): RuleTraits {
  const { letter, modifiers } = head
  const sender = modifiers.includes('s') || letter === 'H' || letter === 'S'
  const receiver = modifiers.includes('r') || letter === 'P' || letter === 'R'
  if ((sender || receiver) && (file.sender || file.receiver))
    throw new UsageError(`filter rule with a side in a file with one: ${text}`)
  return {
    absolute: file.absolute || modifiers.includes('/'),
    sender: file.sender || sender,
    receiver: file.receiver || receiver,
    perishable: file.perishable || modifiers.includes('p'),
    xattr: file.xattr || modifiers.includes('x'),
  }
}

function unknownRule(text: string): UsageError {
  return new UsageError(`unknown filter rule: ${text}`)
}

/** The last component of a filter file's path. */
export function fileBase(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The text of a rule as rsync sends it: one char per byte. */
export function formatRule(rule: FilterRule): string {
  if (rule.kind === 'dir-merge') {
    const how = rule.cvs
      ? 'C'
      : (rule.noInherit ? 'n' : '') +
        (rule.wordSplit ? 'w' : '') +
        (rule.only === null ? '' : rule.only === 'exclude' ? '-' : '+')
    const { traits } = rule
    const self = rule.excludeSelf ? 'e' : ''
    return `:${traits.absolute ? '/' : ''}${how}${self}${formatTraits(traits)} ${rule.file}`
  }
  const type = rule.kind === 'exclude' ? '-' : '+'
  const where = (rule.absolute ? '/' : '') + (rule.negated ? '!' : '')
  return `${type}${where}${formatTraits(rule)} ${rule.pattern}`
}
function formatTraits(traits: RuleTraits): string {
  const { xattr, sender, receiver, perishable } = traits
  return (xattr ? 'x' : '') + (sender ? 's' : '') + (receiver ? 'r' : '') + (perishable ? 'p' : '')
}
