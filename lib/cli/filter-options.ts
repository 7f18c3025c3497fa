/** --include, --exclude, --filter and their -from forms, in the order they were given: the first rule that matches decides. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { messageOf, UsageError } from '../base/errors.js'
import { type FilterOption, type FilterSource, parseFilters } from '../flist/filter.js'
import { Filter } from '../flist/filter-match.js'

/** Adds the options; the returned list fills while the command line is parsed. */
export function filterOptions(program: Command): readonly FilterOption[] {
  const found: FilterOption[] = []
  const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
  const rule = (kind: 'include' | 'exclude' | 'filter') => (text: string) => {
    found.push({ kind, text: latin1(text) })
  }
  const from = (kind: 'include-from' | 'exclude-from') => (path: string) => {
    found.push({ kind, text: textOf(path), nul: false })
  }
  program
    .option('--include <pattern>', 'take in what matches', rule('include'))
    .option('--exclude <pattern>', 'leave out what matches', rule('exclude'))
    .option('-f, --filter <rule>', "a rule in rsync's filter language", rule('filter'))
    .option('--include-from <file>', 'patterns to take in, one a line', from('include-from'))
    .option('--exclude-from <file>', 'patterns to leave out, one a line', from('exclude-from'))
  return found
}

/** @throws {UsageError} on a rule that is none, and on per-directory files: they stand at the centre, where nobody reads them for us. */
export function filterOf(options: readonly FilterOption[]): Filter {
  const source: FilterSource = { read: textOf, cvsIgnore: [] }
  const rules = parseFilters(options, source)
  if (rules.some((rule) => rule.kind === 'dir-merge'))
    throw new UsageError('pull reads no per-directory filter files; give the rules with --filter')
  return new Filter(rules, {
    side: 'receiver',
    deleteExcluded: false,
    rootPath: '/',
    readMerge: () => null,
    readMergeAbove: () => null,
  })
}

function textOf(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'latin1')
  } catch (cause) {
    throw new UsageError(`cannot read the filter file ${path}: ${messageOf(cause)}`, { cause })
  }
}
