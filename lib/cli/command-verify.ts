/** `prsync verify DIR [--repair]`. */
import { systemClock } from '../app/system.js'
import { verify } from '../app/verify.js'
import { type ByteName, displayName } from '../base/byte-name.js'
import { EXIT, type ExitCode } from '../base/errors.js'
import { type Command, command, parse } from './program.js'
import { PullScreen } from './pull-screen.js'
import { addressOf } from './values.js'
import { version } from './version.js'

type Flags = {
  repair?: boolean
  wait?: boolean
  verbose?: boolean
  json?: boolean
  peerListen: string
  peers: boolean
  color: boolean
}

/** Names listed in the object that --json prints; all of them are counted. */
const LISTED = 1000

export function verifyProgram(): Command {
  return command(
    'verify',
    'Read every file of a pulled tree and compare it with the signed snapshot last followed.',
  )
    .argument('<dir>', 'a directory that prsync pull keeps')
    .option('--repair', 'fetch what is wrong, and only that')
    .option('--wait', 'wait for a pull that has this tree instead of leaving')
    .option('-v, --verbose', 'say what was looked at even when all is well')
    .option('--json', 'one JSON object at the end, on stdout, instead of lines')
    .option('--peer-listen <addr:port>', 'where other nodes reach a repair', '0.0.0.0:0')
    .option('--no-peers', 'repair from the centre over HTTP alone')
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      `
Each line says what is wrong with a file: missing, kind, bytes, attributes or
unreadable. Exit status 23 if there was any, 0 if all is right or was repaired.

Example:
  prsync verify --repair /srv/mirror/debian`,
    )
}

export async function verifyCommand(
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const cli = verifyProgram()
  if (!parse(cli, argv)) return EXIT.ok
  const flags = cli.opts<Flags>()
  const [directory = ''] = cli.args
  const listed: { fault: string; name: string; what: string }[] = []
  const found = (fault: string, name: ByteName, what: string): void => {
    const shown = displayName(name)
    if (flags.json !== true)
      process.stdout.write(`${fault} ${shown}${what === '' ? '' : ` (${what})`}\n`)
    else if (listed.length < LISTED) listed.push({ fault, name: shown, what })
  }
  const host = { clock: systemClock, log: () => {}, userAgent: `prsync/${version()}` }
  const config = {
    directory,
    repair: flags.repair === true,
    wait: flags.wait === true,
    peerListen: flags.peers ? addressOf(flags.peerListen) : null,
  }
  const screen = await PullScreen.open({
    items: flags.verbose === true,
    bare: true,
    progress: false,
    verbose: flags.verbose === true,
    color: flags.color,
  })
  try {
    screen.phase('reading')
    const events = {
      found,
      progress: ({ files }: { files: number }) => screen.phase(`reading: ${files} files`),
      repair: screen,
    }
    const { report, seconds, repair, exit } = await verify(config, events, host, signal)
    screen.finish()
    for (const fault of repair?.outcome.faults ?? [])
      process.stderr.write(`prsync: not repaired: ${displayName(fault.name)}: ${fault.what}\n`)
    if (flags.json === true)
      process.stdout.write(
        `${JSON.stringify({ ...report, seconds, listed, repair: repair?.report ?? null, exit })}\n`,
      )
    else if (flags.verbose === true)
      process.stdout.write(
        `${report.files} files, ${report.bytes} bytes read, sequence ${report.sequence}\n`,
      )
    return exit
  } finally {
    screen.finish()
  }
}
