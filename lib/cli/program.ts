/** What all commands share of commander: how it fails, and where its text goes. */
import { Command, CommanderError } from 'commander'
import { UsageError } from '../base/errors.js'

export type { Command }

/** A command that throws UsageError instead of leaving the process. */
export function command(name: string, summary: string): Command {
  return new Command(`prsync ${name}`)
    .description(summary)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .helpOption('-h, --help', 'show this help')
    .showSuggestionAfterError()
}

/** False where help was asked for and printed. @throws {UsageError} */
export function parse(program: Command, argv: readonly string[]): boolean {
  try {
    program.parse(argv, { from: 'user' })
    return true
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed') return false
    const text = error.message.replace(/^error: /, '')
    throw new UsageError(`${text} (see ${program.name()} --help)`, { cause: error })
  }
}
