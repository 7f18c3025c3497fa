/** Which names belong to a partial mirror: rules given on the command line, in rsync's language. */
import { UsageError } from '../base/errors.js'
import { type FilterOption, type FilterRule, parseFilters } from '../flist/filter.js'
import { Filter } from '../flist/filter-match.js'
import { readText } from '../io/text-file.js'

export type MirrorFilter = {
  readonly filter: Filter
  /** As they were read, for telling whether they are still the same. */
  readonly rules: readonly FilterRule[]
}

/** @throws {UsageError} on a rule that is none, and on per-directory files: they stand at the centre, where nobody reads them for us. */
export function mirrorFilter(options: readonly FilterOption[]): MirrorFilter {
  const rules = parseFilters(options, { read: readText, cvsIgnore: [] })
  if (rules.some((rule) => rule.kind === 'dir-merge'))
    throw new UsageError('pull reads no per-directory filter files; give the rules with --filter')
  const filter = new Filter(rules, {
    side: 'receiver',
    deleteExcluded: false,
    rootPath: '/',
    readMerge: () => null,
  })
  return { filter, rules }
}
