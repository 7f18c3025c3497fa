/** rsync's command line by commander, from the table of options: flags in their order, and the rest. */
import { Command, CommanderError } from 'commander'
import { UsageError } from '../base/errors.js'
import type { Flag } from '../options/resolve.js'
import { OPTIONS, type OptionSpec } from '../options/table.js'

export type RsyncLine = { readonly flags: readonly Flag[]; readonly paths: readonly string[] }

/** @throws {UsageError} with rsync's words on an option that is none, or that lacks its argument */
export function parseRsyncLine(argv: readonly string[]): RsyncLine {
  const flags: Flag[] = []
  const program = new Command('prsync')
    .helpOption(false)
    .allowExcessArguments()
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  const add = (written: string, spec: OptionSpec, on: boolean): void => {
    const hasValue = on && spec.argument !== undefined
    program.option(hasValue ? `${written} <value>` : written)
    const name = program.options[program.options.length - 1]?.name() ?? ''
    program.on(`option:${name}`, (value: string | null) => {
      flags.push({ name: spec.long, on, value: hasValue ? value : null })
    })
  }
  for (const spec of OPTIONS) {
    add(spellings(spec), spec, true)
    for (const alias of spec.aliases ?? []) add(`--${alias}`, spec, true)
    for (const off of spec.off ?? []) add(`--no-${off}`, spec, false)
  }
  try {
    program.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    throw new UsageError(inRsyncsWords(error), { cause: error })
  }
  return { flags, paths: program.args }
}

function spellings(spec: OptionSpec): string {
  if (spec.long === spec.short) return `-${spec.short}`
  return spec.short === undefined ? `--${spec.long}` : `-${spec.short}, --${spec.long}`
}

function inRsyncsWords(error: CommanderError): string {
  const option = /'([^']*)'/.exec(error.message)?.[1] ?? ''
  switch (error.code) {
    case 'commander.unknownOption':
      return `${option}: unknown option`
    case 'commander.optionMissingArgument':
      return `${
        option
          .replace(/ <value>$/, '')
          .split(', ')
          .pop() ?? ''
      }: missing argument`
    default:
      return error.message
  }
}
