/** The command line that applies a batch: that of the run that wrote it, with the batch in place of its sources. */
import type { Flag } from './flags.js'
import { OPTIONS } from './table.js'

/** Said in the script's own words, or of no use without sources. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'write-batch',
  'only-write-batch',
  'filter',
  'F',
  'include',
  'exclude',
  'include-from',
  'exclude-from',
  'files-from',
  'from0',
])
const LETTERS: ReadonlySet<string> = new Set(
  OPTIONS.filter((spec) => spec.long === spec.short).map((spec) => spec.long),
)

/** A script of the shell; its first argument is another destination. @param rules of filters, one a line, in rsync's words */
export function batchScript(
  program: readonly string[],
  flags: readonly Flag[],
  rules: readonly string[],
  file: string,
  destination: string,
): string {
  const words = flags.filter(({ name }) => !LEFT_OUT.has(name)).map(wordOf)
  const filter = rules.length > 0 ? ["--filter='._-'"] : []
  const command = [...program.map(quoted), ...filter, ...words, `--read-batch=${quoted(file)}`]
  const here = rules.length > 0 ? ` <<'${END}'\n${rules.join('\n')}\n${END}` : ''
  return `${command.join(' ')} \${1:-${quoted(destination)}}${here}\n`
}
const END = '#E#'

function wordOf({ name, on, value }: Flag): string {
  if (LETTERS.has(name))
    return on ? `-${name}${value === null ? '' : quoted(value)}` : `--no-${name}`
  const word = on ? `--${name}` : `--no-${name}`
  return value === null ? word : `${word}=${quoted(value)}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
