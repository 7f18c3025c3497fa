/** `prsync publish [URL]`: the running centre, here or elsewhere, looks at its trees now. */
import { askPublish } from '../app/admin.js'
import { publishAt } from '../app/admin-http.js'
import { defaultState, readText } from '../app/system.js'
import { EXIT, type ExitCode, UsageError } from '../base/errors.js'
import { type Command, command, parse } from './program.js'
import { version } from './version.js'

type Flags = {
  state?: string
  tokenFile?: string
  json?: boolean
  verbose?: boolean
  empty?: boolean
}

export function publishProgram(): Command {
  return command('publish', 'Have the centre look at its trees now.')
    .argument('[url]', 'a centre elsewhere, as in https://centre:8730 (default: the one here)')
    .option('--state <dir>', 'the state directory of the centre here')
    .option(
      '--token-file <file>',
      'the token of the centre elsewhere (its STATE/admin-token); else in PRSYNC_TOKEN',
    )
    .option('--empty', 'publish a tree in which nothing is left too')
    .option('-v, --verbose', 'say also which modules did not change')
    .option('--json', 'one JSON object for each module')
    .addHelpText(
      'after',
      `
Returns when the new snapshots stand and prints NAME and sequence of those that
changed. Exit status 75 when no centre runs, 23 when files could not be
published as they stand, 5 when the token is not the centre's.

Examples:
  prsync publish --state /var/lib/prsync
  prsync publish --token-file ~/.prsync-token https://centre:8730`,
    )
}

export async function publishCommand(
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const cli = publishProgram()
  if (!parse(cli, argv)) return EXIT.ok
  const flags = cli.opts<Flags>()
  const [url] = cli.args
  const mayBeEmpty = flags.empty === true
  const published =
    url === undefined
      ? await askPublish(flags.state ?? defaultState(), mayBeEmpty, signal)
      : await publishAt(url, tokenOf(flags), mayBeEmpty, `prsync/${version()}`, signal)
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

/** Never an argument: every user of the machine can read those. */
function tokenOf({ tokenFile }: Flags): string {
  const token = tokenFile === undefined ? process.env['PRSYNC_TOKEN'] : readText(tokenFile)
  if (token === undefined)
    throw new UsageError("publish to a URL wants the centre's token: --token-file or PRSYNC_TOKEN")
  return token.trim()
}
