/** `prsync publish`: the running centre looks at its trees now. */
import { askPublish } from '../app/admin.js'
import { defaultState } from '../app/system.js'
import { EXIT, type ExitCode, UnsupportedError } from '../base/errors.js'
import { type Command, command, parse } from './program.js'

type Flags = { state?: string; json?: boolean; verbose?: boolean }

export function publishProgram(): Command {
  return command('publish', 'Have the centre on this machine look at its trees now.')
    .argument('[url]', 'a centre elsewhere: not built yet')
    .option('--state <dir>', "the centre's state directory")
    .option('-v, --verbose', 'say also which modules did not change')
    .option('--json', 'one JSON object for each module')
    .addHelpText(
      'after',
      `
Returns when the new snapshots stand and prints NAME and sequence of those that
changed. Exit status 75 when no centre runs, 23 when files could not be
published as they stand.

Example:
  prsync publish --state /var/lib/prsync`,
    )
}

export async function publishCommand(
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const cli = publishProgram()
  if (!parse(cli, argv)) return EXIT.ok
  const flags = cli.opts<Flags>()
  if (cli.args.length > 0)
    throw new UnsupportedError(
      'publish over HTTP is not built: run it on the centre, as the user it runs as',
    )
  const published = await askPublish(flags.state ?? defaultState(), signal)
  let exit: ExitCode = EXIT.ok
  for (const each of published) {
    const { module, sequence, changed, faults, failed } = each
    if (flags.json === true) process.stdout.write(`${JSON.stringify(each)}\n`)
    else if (changed || flags.verbose === true)
      process.stdout.write(`${module} ${sequence}${changed ? '' : ' unchanged'}\n`)
    if (failed !== null) process.stderr.write(`prsync: ${module}: not published: ${failed}\n`)
    if (faults > 0)
      process.stderr.write(`prsync: ${module}: ${faults} files not published as they stand\n`)
    if (faults > 0 || failed !== null) exit = EXIT.partial
  }
  return exit
}
