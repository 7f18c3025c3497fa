/**
 * Does a rule list accept a name? The first rule that matches decides; no match includes.
 * Rules of per-directory files stand where their dir-merge rule stands, the innermost directory's first.
 * rsync(1) FILTER RULES IN DEPTH, MERGE-FILE FILTER RULES, ANCHORING INCLUDE/EXCLUDE PATTERNS.
 */
import { type ByteName, baseOf, ROOT_NAME } from '../base/byte-name.js'
import { NO_TRACE, type Trace } from '../base/trace.js'
import {
  type DirMergeRule,
  type FilterRule,
  fileBase,
  type ParsedRules,
  type PatternRule,
} from './filter.js'
import { compileGlob } from './wildmatch.js'

/** Hidden from the list, or protected from deletion. */
export type Side = 'sender' | 'receiver'

export type FilterContext = {
  readonly side: Side
  /** --delete-excluded: rules that name no side are the sender's. */
  readonly deleteExcluded: boolean
  /** Where the transfer's root stands in the file system, absolute, without a slash at its end: for rules with `/`. */
  readonly rootPath: string
  /** The rules in a directory's own file of this rule (`fileBase`), or null where there is none. @param path of the directory, in the file system */
  readMerge(path: string, rule: DirMergeRule): ParsedRules | null
}

/** What a rule says about a name: taken in, left out (or protected); null: it says nothing. */
type Rule = {
  readonly excludes: boolean
  /** As --debug=FILTER tells it. */
  readonly text: string
  readonly perishable: boolean
  matches(name: string, base: string, isDirectory: boolean): boolean
}
type Slot = {
  readonly merge: DirMergeRule
  /** Of this directory and of those above it that pass theirs on, innermost first. */
  readonly items: readonly Item[]
  /** What the directories below inherit. */
  readonly inherited: readonly Item[]
}
type Item = Rule | Slot
type Level = {
  readonly items: readonly Item[]
  readonly flat: readonly Rule[]
  /** The files that are looked for: a second rule for one of them is ignored. */
  readonly merges: ReadonlySet<string>
}

export class Filter {
  readonly #context: FilterContext
  /** One level for each directory entered; the last is in force. */
  readonly #levels: Level[]
  readonly #trace: Trace
  readonly #end: 'sender' | 'generator'

  constructor(
    rules: readonly FilterRule[] | Level,
    context: FilterContext,
    trace: Trace = NO_TRACE,
  ) {
    this.#context = context
    this.#trace = trace
    this.#end = context.side === 'sender' ? 'sender' : 'generator'
    if ('merges' in rules) {
      this.#levels = [rules]
      return
    }
    const merges = new Set<string>()
    const items = this.#compileAll(rules, ROOT_NAME, merges).map((item) =>
      isSlot(item) ? this.#fromAbove(item, merges) : item,
    )
    this.#levels = [{ items, flat: flatten(items), merges }]
  }

  /** Goes into a directory, the root first of all: its own filter files come into force. */
  enter(directory: ByteName): void {
    this.#levels.push(this.#levelIn(directory, this.#pathOf(directory)))
  }
  /** Back to the directory that was in force before. */
  leave(): void {
    if (this.#levels.length <= 1) return
    this.#levels.pop()
    this.#trace.leftFilters?.(this.#end)
  }
  /** The rules in force within a directory, wherever that stands: this filter stays as it is. @param path of the directory, in the file system */
  within(directory: ByteName, path: string): Filter {
    const level = this.#levelIn(directory, path)
    return level === this.#last ? this : new Filter(level, this.#context, this.#trace)
  }
  /** Of a directory that `within` was asked for: all in it is known. */
  left(): void {
    this.#trace.leftFilters?.(this.#end)
  }
  get #last(): Level {
    return this.#levels[this.#levels.length - 1] ?? NO_LEVEL
  }
  #levelIn(directory: ByteName, path: string): Level {
    const above = this.#last
    this.#trace.enteredFilters?.(this.#end, path)
    if (above.merges.size === 0) return above
    const merges = new Set(above.merges)
    const items = above.items.map((item) => this.#entered(item, directory, path, merges))
    return { items, flat: flatten(items), merges }
  }
  #pathOf(directory: ByteName): string {
    const { rootPath } = this.#context
    return directory === ROOT_NAME ? rootPath : `${rootPath}/${directory}`
  }

  /**
   * Is the name left out of the list (sender), or protected from deletion (receiver)? Names are relative to the root;
   * what is below an excluded directory is not asked for. `dying`: within a directory that is being deleted.
   */
  excludes(name: ByteName, isDirectory: boolean, dying = false): boolean {
    if (name === ROOT_NAME) return false
    const rules = this.#last.flat
    const base = baseOf(name)
    for (const rule of rules) {
      if (dying && rule.perishable) continue
      if (!rule.matches(name, base, isDirectory)) continue
      this.#trace.ruled?.(this.#end, rule.excludes, isDirectory, name, rule.text)
      return rule.excludes
    }
    return false
  }

  #entered(item: Item, directory: ByteName, path: string, merges: Set<string>): Item {
    if (!isSlot(item)) return item
    const { merge } = item
    const parsed = this.#context.readMerge(path, merge)
    const file = fileBase(merge.file)
    this.#trace.readRules?.(this.#end, `${path}/${file}`, parsed !== null)
    const above = parsed?.cleared === true ? [] : item.inherited
    // Slots that came from a file above look for their own file here as well.
    const inherited = above.map((one) => this.#entered(one, directory, path, merges))
    const own = this.#compileAll(parsed?.rules ?? [], directory, merges, null, file).map((one) =>
      this.#entered(one, directory, path, merges),
    )
    const items = [...own, ...inherited]
    return { merge, items, inherited: merge.noInherit ? [] : items }
  }

  /** What a rule whose file is a path inherits from the directories above the root. */
  #fromAbove(slot: Slot, merges: Set<string>): Slot {
    const { merge } = slot
    if (merge.noInherit) return slot
    let inherited: readonly Item[] = []
    for (const path of directoriesAbove(merge.file, this.#context.rootPath)) {
      const parsed = this.#context.readMerge(path, merge)
      if (parsed === null) continue
      const own = this.#compileAll(parsed.rules, ROOT_NAME, merges, path, fileBase(merge.file))
      inherited = parsed.cleared ? own : [...own, ...inherited]
    }
    return { merge, items: inherited, inherited }
  }

  /** @param above the directory's path where it is above the root @param from the file of a directory that they stand in */
  #compileAll(
    rules: readonly FilterRule[],
    directory: ByteName,
    merges: Set<string>,
    above: string | null = null,
    from: string | null = null,
  ): readonly Item[] {
    const items: Item[] = []
    for (const rule of rules)
      if (rule.kind === 'dir-merge') {
        const file = fileBase(rule.file)
        // The file itself is out of the way before its rules are asked.
        if (rule.excludeSelf)
          items.push({
            excludes: true,
            perishable: false,
            text: file,
            matches: (_name, base) => base === file,
          })
        if (!merges.has(file)) items.push({ merge: rule, items: [], inherited: [] })
        merges.add(file)
      } else if (!rule.xattr && this.#concerns(rule))
        items.push(this.#compile(rule, directory, above, from))
    return items
  }

  #concerns(rule: PatternRule): boolean {
    if (!rule.sender && !rule.receiver)
      return this.#context.side === 'sender' || !this.#context.deleteExcluded
    return rule[this.#context.side]
  }

  #compile(
    rule: PatternRule,
    directory: ByteName,
    above: string | null,
    from: string | null,
  ): Rule {
    // What stands in a file is not shown: it may be one that the caller cannot read.
    const shown = rule.origin === 'file' ? '<rule from a file read earlier>' : rule.pattern
    const where =
      from !== null ? ` [per-dir ${from}]` : rule.origin === 'cvs' ? ' [global CVS]' : ''
    const text = shown + where
    const excludes = rule.kind === 'exclude'
    const { perishable, negated } = rule
    // Names as paths in the file system, without their first slash.
    const byPath = rule.absolute || (above !== null && rule.pattern.startsWith('/'))
    const root = byPath ? this.#context.rootPath : ''
    const prefix = root === '' ? '' : `${root.slice(1)}/`
    const start = rule.absolute ? '' : above !== null ? startOf(above.slice(1)) : startOf(directory)
    const matches = compilePattern(rule.pattern, start)
    if (prefix === '' && !negated) return { excludes, perishable, text, matches }
    return {
      excludes,
      perishable,
      text,
      matches: (name, base, isDirectory) => matches(prefix + name, base, isDirectory) !== negated,
    }
  }
}

const NO_LEVEL: Level = { items: [], flat: [], merges: new Set() }

function isSlot(item: Item): item is Slot {
  return 'merge' in item
}
function flatten(items: readonly Item[]): readonly Rule[] {
  return items.flatMap((item) => (isSlot(item) ? flatten(item.items) : [item]))
}

function startOf(directory: string): string {
  return directory === '' || directory === ROOT_NAME ? '' : `${directory}/`
}

/**
 * The directories above the root that are looked into for a dir-merge file that is a path, outermost first:
 * from the path's own directory, where that is one of them, down to the root's parent.
 */
export function directoriesAbove(file: string, rootPath: string): readonly string[] {
  const slash = file.lastIndexOf('/')
  if (slash < 0) return []
  const from = file.startsWith('/') ? file.slice(0, slash) : `${rootPath}/${file.slice(0, slash)}`
  const start = components(from)
  const root = components(rootPath)
  if (start.length >= root.length || start.some((part, i) => part !== root[i])) return []
  return root.slice(start.length).map((_, i) => `/${root.slice(0, start.length + i).join('/')}`)
}
function components(path: string): readonly string[] {
  const parts: string[] = []
  for (const part of path.split('/'))
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  return parts
}

type Matcher = Rule['matches']

/** A pattern as a test; `start`: what an anchored one begins with, the merge file's directory. */
function compilePattern(written: string, start: string): Matcher {
  const directoryOnly = written.length > 1 && written.endsWith('/')
  const whole = directoryOnly ? written.slice(0, -1) : written
  const anchored = whole.startsWith('/')
  const pattern = anchored ? whole.slice(1) : whole
  const test = /[*?[]/.test(pattern)
    ? wildTest(pattern, anchored, start)
    : plainTest(pattern, anchored, start)
  if (!directoryOnly) return test
  return (name, base, isDirectory) => isDirectory && test(name, base, isDirectory)
}

/** Without wildcards a pattern is the name's end, by whole components; a backslash is one. */
function plainTest(pattern: string, anchored: boolean, start: string): Matcher {
  if (anchored) {
    const full = start + pattern
    return (name) => name === full
  }
  if (!pattern.includes('/')) return (_name, base) => base === pattern
  const end = `/${pattern}`
  return (name) => name === pattern || name.endsWith(end)
}

function wildTest(pattern: string, anchored: boolean, start: string): Matcher {
  const glob = compileGlob(pattern)
  // `dir/***` is the directory too: its name is taken with a slash at the end.
  const ended: (name: string, isDirectory: boolean) => string = pattern.endsWith('***')
    ? (name, isDirectory) => (isDirectory ? `${name}/` : name)
    : (name) => name
  if (anchored)
    return (name, _base, isDirectory) =>
      name.startsWith(start) && glob(ended(name.slice(start.length), isDirectory))
  if (pattern.startsWith('**'))
    return (name, _base, isDirectory) => glob(`/${ended(name, isDirectory)}`)
  if (pattern.includes('**'))
    return (name, _base, isDirectory) => matchesAnywhere(glob, ended(name, isDirectory))
  const slashes = pattern.split('/').length - 1
  if (slashes === 0) return (_name, base) => glob(base)
  return (name) => {
    const end = lastComponents(name, slashes + 1)
    return end !== null && glob(end)
  }
}

/** At the start of the name, or after any of its slashes. */
function matchesAnywhere(glob: (text: string) => boolean, name: string): boolean {
  if (glob(name)) return true
  for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1))
    if (glob(name.slice(at + 1))) return true
  return false
}

/** The last `count` components, or null where there are fewer. */
function lastComponents(name: string, count: number): string | null {
  let at = name.length
  for (let i = 0; i < count; i++) {
    if (at <= 0) return null
    at = name.lastIndexOf('/', at - 1)
    if (at < 0) return i === count - 1 ? name : null
  }
  return name.slice(at + 1)
}
