/** The filters of a run in rsync's place: rules of options and files, and the sides they are for. rsync(1) FILTER RULES. */
import { ROOT_NAME } from '../base/byte-name.js'
import { FileError, UsageError } from '../base/errors.js'
import {
  C_RULES,
  type FilterOption,
  type FilterRule,
  parseDirMerge,
  parseFilters,
} from '../flist/filter.js'
import { Filter, type Side } from '../flist/filter-match.js'
import { readIfThere, readNamed } from '../io/operator.js'
import type { Options } from '../options/options.js'

/** A path of an option, without links that lead on. */
type Trusted = (path: string) => string

/** @throws {UsageError} on a rule that is none, or a file that cannot be read */
export function readFilters(options: Options, trusted: Trusted): readonly FilterRule[] {
  return [...readOwnFilters(options, trusted), ...cvsFilters(options)]
}

/** What -C adds; nothing without it. */
export function cvsFilters({ cvsExclude }: Options): readonly FilterRule[] {
  const added = cvsExclude ? C_RULES : []
  return parseFilters(
    added.map((text) => ({ kind: 'filter', text })),
    SOURCE,
  )
}

/** All but these. */
export function readOwnFilters(options: Options, trusted: Trusted): readonly FilterRule[] {
  const found: FilterOption[] = options.filters.map(({ kind, text }) =>
    kind === 'include-from' || kind === 'exclude-from'
      ? { kind, text: readRules(text, trusted), nul: options.from0 }
      : { kind, text },
  )
  const { partialDir } = options
  if (partialDir !== null && !partialDir.startsWith('/'))
    found.push({ kind: 'filter', text: `-p ${partialDir.replace(/\/*$/, '/')}` })
  return parseFilters(found, SOURCE)
}

/** A file of patterns that cannot be read is an error of files, not of usage, as in rsync. @throws {FileError} */
function readRules(path: string, trusted: Trusted): string {
  try {
    return readNamed(path === '-' ? path : trusted(path))
  } catch (error) {
    if (error instanceof UsageError) throw new FileError(error.message, { cause: error })
    throw error
  }
}

/** Backups beside the files are not extraneous. */
export function protecting(suffix: string): readonly FilterRule[] {
  return parseFilters([{ kind: 'filter', text: `P *${suffix}` }], SOURCE)
}

/** @param root the path of the tree whose per-directory files count; null: there is none */
export function filterOf(
  options: Options,
  rules: readonly FilterRule[],
  side: Side,
  root: string | null,
): Filter {
  const read = (directory: string, file: string): string | null =>
    readIfThere(`${directory}/${file.slice(file.lastIndexOf('/') + 1)}`)
  return new Filter(rules, {
    side,
    deleteExcluded: options.deleteExcluded,
    rootPath: root ?? '',
    readMerge: (directory, rule) => {
      if (root === null) return null
      const text = read(directory === ROOT_NAME ? root : `${root}/${directory}`, rule.file)
      return text === null ? null : parseDirMerge(rule, text, SOURCE)
    },
    readMergeAbove: (path, rule) => {
      const text = read(path, rule.file)
      return text === null ? null : parseDirMerge(rule, text, SOURCE)
    },
  })
}

const SOURCE = {
  read: readNamed,
  get cvsIgnore(): readonly string[] {
    const home = process.env['HOME']
    const own = home === undefined ? null : readIfThere(`${home}/.cvsignore`)
    return [own, process.env['CVSIGNORE'] ?? null].filter((text) => text !== null)
  },
}
