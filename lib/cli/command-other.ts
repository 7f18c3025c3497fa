/** What is left: help, and commands that are not there yet. */
import { EXIT, type ExitCode, UnsupportedError, UsageError } from '../base/errors.js'

export function otherCommand(argv: readonly string[], commands: readonly string[]): ExitCode {
  const [first] = argv
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(HELP)
    return EXIT.ok
  }
  if (commands.includes(first)) throw new UnsupportedError(`${first} is not built yet`)
  if (first.startsWith('-') || argv.length > 1)
    throw new UnsupportedError('copying in place of rsync is not built yet; see prsync --help')
  throw new UsageError(`no command ${first} (see prsync --help)`)
}

const HELP = `Usage: prsync pull [options] URL DEST
       prsync serve --tracker NAME=DIR… [options]

  pull     bring a tree in step with a module of a centre
  serve    publish trees, track and seed their swarm

Each takes --help. The manual: prsync(1).
`
