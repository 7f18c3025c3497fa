/** `prsync completion bash|zsh|fish`. */
import { EXIT, type ExitCode, UsageError } from '../base/errors.js'
import { OPTIONS } from '../options/table.js'
import { keygenProgram } from './command-keygen.js'
import { publishProgram } from './command-publish.js'
import { pullProgram } from './command-pull.js'
import { serveProgram } from './command-serve.js'
import { statusProgram } from './command-status.js'
import { torrentProgram } from './command-torrent.js'
import { verifyProgram } from './command-verify.js'
import { VOLUNTEER_WORDS, volunteerProgram } from './command-volunteer.js'
import { type CommandShape, completionFor, type OptionShape, SHELLS } from './completion.js'
import { type Command, command, parse } from './program.js'

export function completionProgram(): Command {
  return command('completion', 'Print what makes a shell complete prsync.')
    .argument('<shell>', SHELLS.join(', '))
    .addHelpText(
      'after',
      `
Examples:
  prsync completion bash > /etc/bash_completion.d/prsync
  prsync completion zsh > "\${fpath[1]}/_prsync"
  prsync completion fish > ~/.config/fish/completions/prsync.fish`,
    )
}

export function completionCommand(argv: readonly string[]): ExitCode {
  const cli = completionProgram()
  if (!parse(cli, argv)) return EXIT.ok
  const [wanted = ''] = cli.args
  const shell = SHELLS.find((name) => name === wanted)
  if (shell === undefined)
    throw new UsageError(`no completion for ${wanted} (there is ${SHELLS.join(', ')})`)
  const programs = [
    pullProgram(),
    serveProgram(),
    statusProgram(),
    publishProgram(),
    torrentProgram(),
    verifyProgram(),
    keygenProgram(),
  ]
  const shapes = [
    ...programs.map((p) => shapeOf(p, [])),
    shapeOf(volunteerProgram(), VOLUNTEER_WORDS),
    shapeOf(cli, SHELLS),
  ]
  process.stdout.write(completionFor(shell, shapes, copyOptions()))
  return EXIT.ok
}

/** rsync's options, from their table. */
function copyOptions(): readonly OptionShape[] {
  return OPTIONS.filter((o) => o.hidden !== true).map((o) => ({
    long: o.long === o.short ? null : `--${o.long}`,
    short: o.short === undefined ? null : `-${o.short}`,
    takesValue: o.argument !== undefined,
    description: o.help,
  }))
}

function shapeOf(program: Command, words: readonly string[]): CommandShape {
  const options = program.options.map((option) => ({
    long: option.long ?? null,
    short: option.short ?? null,
    takesValue: option.required || option.optional,
    description: option.description,
  }))
  const help = { long: '--help', short: '-h', takesValue: false, description: 'show this help' }
  return {
    name: program.name().replace(/^prsync /, ''),
    description: program.description(),
    options: [...options, help],
    words,
  }
}
