/** --include, --exclude, --filter and their -from forms, in the order they were given: the first rule that matches decides. */
import type { Command } from 'commander'
import { readText } from '../app/system.js'
import type { FilterOption } from '../flist/filter.js'

/** Adds the options; the returned list fills while the command line is parsed. */
export function filterOptions(program: Command): readonly FilterOption[] {
  const found: FilterOption[] = []
  const rule = (kind: 'include' | 'exclude' | 'filter') => (text: string) => {
    found.push({ kind, text: Buffer.from(text, 'utf8').toString('latin1') })
  }
  const from = (kind: 'include-from' | 'exclude-from') => (path: string) => {
    found.push({ kind, text: readText(path), nul: false })
  }
  program
    .option('--include <pattern>', 'take in what matches', rule('include'))
    .option('--exclude <pattern>', 'leave out what matches', rule('exclude'))
    .option('-f, --filter <rule>', "a rule in rsync's filter language", rule('filter'))
    .option('--include-from <file>', 'patterns to take in, one a line', from('include-from'))
    .option('--exclude-from <file>', 'patterns to leave out, one a line', from('exclude-from'))
  return found
}
