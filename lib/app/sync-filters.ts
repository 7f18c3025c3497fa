/** The filters of a run in rsync's place: rules of options and files, and the sides they are for. rsync(1) FILTER RULES. */
import type { ByteName } from '../base/byte-name.js'
import { FileError, UsageError } from '../base/errors.js'
import { NO_TRACE, type Trace } from '../base/trace.js'
import {
  C_RULES,
  type DirMergeRule,
  type FilterOption,
  type FilterRule,
  type FilterSource,
  type ParsedRules,
  parseDirMerge,
  parseFilters,
} from '../flist/filter.js'
import { Filter, type FilterContext, type Side } from '../flist/filter-match.js'
import { confinedTo, isThere, operatorPaths, readIfThere, readNamed } from '../io/operator.js'
import type { Options } from '../options/options.js'

/** A path of an option, without links that lead on. */
type Trusted = (path: string) => string

/** @throws {UsageError} on a rule that is none, {FileError} on a file that cannot be read */
export function readFilters(options: Options, trusted: Trusted): readonly FilterRule[] {
  return [...readOwnFilters(options, trusted), ...cvsFilters(options)]
}

/** What -C adds; nothing without it. */
export function cvsFilters(options: Options): readonly FilterRule[] {
  const added = options.cvsExclude ? C_RULES : []
  return parseFilters(
    added.map((text) => ({ kind: 'filter', text })),
    sourceOf(options, operatorPaths(options)),
  )
}

/**
 * Of a server's own words, which -M sends. @param mayRead whether files that they name are read, which a daemon's client could
 * learn from @throws as readFilters
 */
export function readServerFilters(
  options: Options,
  trusted: Trusted,
  mayRead: boolean,
): readonly FilterRule[] {
  const source = sourceOf(options, trusted)
  const read: FilterSource['read'] = (path, kind) => {
    if (mayRead && path !== '-') return source.read(path, kind)
    throw new UsageError(`no rules are read from ${path} for a client`)
  }
  const own = { read, cvsIgnore: [] }
  return parseFilters(optionRules(options, own), own)
}
const KINDS = { 'include-from': 'include', 'exclude-from': 'exclude' } as const
function optionRules(options: Options, source: FilterSource): FilterOption[] {
  return options.filters.map(({ kind, text }) =>
    kind === 'include-from' || kind === 'exclude-from'
      ? { kind, text: source.read(text, KINDS[kind]), nul: options.from0 }
      : { kind, text },
  )
}

/** All but what -C adds. */
export function readOwnFilters(options: Options, trusted: Trusted): readonly FilterRule[] {
  const source = sourceOf(options, trusted)
  const found = optionRules(options, source)
  const { partialDir } = options
  if (partialDir !== null && !partialDir.startsWith('/'))
    found.push({ kind: 'filter', text: `-p ${partialDir.replace(/\/*$/, '/')}` })
  return parseFilters(found, source)
}

/** Backups beside the files are not extraneous. */
export function protecting(suffix: string): readonly FilterRule[] {
  return parseFilters([{ kind: 'filter', text: `P *${suffix}` }], { read: () => '', cvsIgnore: [] })
}

/** --prune-empty-dirs: which directories stay all the same, since a rule of the run protects them; null: nothing is pruned. */
export function keptEmpty(
  options: Options,
  rules: readonly FilterRule[],
): ((name: ByteName) => boolean) | null {
  if (!options.pruneEmptyDirs) return null
  const filter = filterOf(options, rules, 'receiver', null, NO_TRACE)
  return (name) => filter.excludes(name, true)
}

/** @param root the path of the tree whose per-directory files count; null: there is none */
export function filterOf(
  options: Options,
  rules: readonly FilterRule[],
  side: Side,
  root: string | null,
  trace: Trace,
): Filter {
  const trusted = operatorPaths(options)
  const source = sourceOf(options, trusted)
  const within = confinedTo(options)
  const read = (at: string, rule: DirMergeRule): ParsedRules | null => {
    const path = `${at === '/' ? '' : at}/${rule.file.slice(rule.file.lastIndexOf('/') + 1)}`
    const text = readTrusted(path, trusted, within)
    return text === null ? null : parseDirMerge(rule, text, source)
  }
  const context: FilterContext = {
    side,
    deleteExcluded: options.deleteExcluded,
    rootPath: root === null || root === '/' ? '' : root,
    readMerge: root === null ? () => null : read,
  }
  return new Filter(rules, context, trace)
}

/** A directory's own file of rules; null: there is none, or it leads to where it may not. */
function readTrusted(path: string, trusted: Trusted, within: string | null): string | null {
  // Most directories have none, and a path is looked at part by part.
  if (!isThere(path)) return null
  try {
    return readIfThere(trusted(path), within)
  } catch (error) {
    if (error instanceof FileError) return null
    throw error
  }
}

function sourceOf(options: Options, trusted: Trusted): FilterSource {
  const within = confinedTo(options)
  return {
    // A file of rules that cannot be read is an error of files, not of usage, as in rsync.
    read: (path, kind = 'exclude') => {
      try {
        return readNamed(path === '-' ? path : trusted(path), within, `${kind} file `)
      } catch (error) {
        if (error instanceof UsageError) throw new FileError(error.message, { cause: error })
        throw error
      }
    },
    get cvsIgnore(): readonly string[] {
      const home = process.env['HOME']
      const own = home === undefined ? null : readIfThere(`${home}/.cvsignore`)
      return [own, process.env['CVSIGNORE'] ?? null].filter((text) => text !== null)
    },
  }
}
