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

const HELP = `Usage: prsync COMMAND [options]

  pull        bring a tree in step with a module of a centre
  serve       publish trees, track and seed their swarm
  status      what a centre gives, or how a pulled tree stands
  publish     have the centre on this machine look at its trees now
  verify      read every file of a pulled tree, and repair it
  torrent     the .torrent of a file, for any BitTorrent v2 client
  keygen      make a centre's key
  completion  what makes a shell complete all this

Each takes --help. The manual: prsync(1).
`
