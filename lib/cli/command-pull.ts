/** `prsync pull URL DEST`. */
import { parseCentreUrl } from '../app/centre.js'
import { pull } from '../app/pull.js'
import type { PullConfig } from '../app/pull-report.js'
import { systemClock } from '../app/system.js'
import { displayName } from '../base/byte-name.js'
import { EXIT, type ExitCode } from '../base/errors.js'
import { parseDuration } from '../options/units.js'
import { parseMaxDelete } from '../plan/deletions.js'
import { filterOptions } from './filter-options.js'
import { type Command, command, parse } from './program.js'
import { PullScreen } from './pull-screen.js'
import { addressOf, rateOf } from './values.js'
import { version } from './version.js'

type Flags = {
  key?: string
  dryRun?: boolean
  itemizeChanges?: boolean
  verbose?: boolean
  progress?: boolean
  stats?: boolean
  json?: boolean
  delete?: boolean
  keep: string
  maxDelete?: string
  bwlimit?: string
  uplink?: string
  linger: string
  jitter?: string
  peerListen: string
  peers: boolean
  scan: boolean
  checksum?: boolean
  numericIds?: boolean
  xattrs?: boolean
  wait?: boolean
  color: boolean
}

function program() {
  return command(
    'pull',
    'Bring DEST in step with a module of a centre, with the help of its other nodes.',
  )
    .argument('<url>', 'http://centre:8730/NAME, or a directory of it')
    .argument('<dest>', 'the directory to bring in step')
    .option('--key <fingerprint>', 'trust only this key (default: the one of the first pull)')
    .option('-n, --dry-run', 'show what would be done, change nothing')
    .option('-i, --itemize-changes', 'a line for each change, as rsync prints it')
    .option('-v, --verbose', 'say more')
    .option('--progress', 'a live line even where stderr is no terminal')
    .option('--stats', 'figures at the end')
    .option('--json', 'one JSON object at the end, on stdout')
    .option('--delete', 'remove what the snapshot does not have')
    .option('--max-delete <n>', 'remove at most so many, or N% of what stands')
    .option('--keep <time>', 'keep what is deleted or replaced for so long, for others', '0')
    .option('--bwlimit <rate>', 'limit what comes in (KiB a second, or 10m)')
    .option('--uplink <rate>', 'limit what is given to others')
    .option('--linger <time>', 'go on giving to others for at most so long', '5m')
    .option('--jitter <time>', 'wait a random time up to this before starting')
    .option('--peer-listen <addr:port>', 'where other nodes reach this one', '0.0.0.0:0')
    .option('--no-peers', 'everything from the centre over HTTP')
    .option('-c, --checksum', 'check the bytes of every file, not only size and time')
    .option(
      '--no-scan',
      'believe that nobody else changed the tree: look only at what the snapshot changed',
    )
    .option('--numeric-ids', 'owners by number, not by name')
    .option('-X, --xattrs', 'keep extended attributes and ACLs')
    .option('--wait', 'wait for another run on this tree instead of leaving')
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      '\nExample:\n  prsync pull --delete http://centre:8730/debian /srv/mirror/debian',
    )
}

/** With the filter options, for completion. */
export function pullProgram(): Command {
  const cli = program()
  filterOptions(cli)
  return cli
}

export async function pullCommand(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const cli = program()
  const rules = filterOptions(cli)
  if (!parse(cli, argv)) return EXIT.ok
  const flags = cli.opts<Flags>()
  const [url = '', destination = ''] = cli.args
  const config: PullConfig = {
    url: parseCentreUrl(url),
    destination,
    fingerprint: flags.key ?? null,
    rules,
    only: null,
    delete: flags.delete === true,
    keepMs: parseDuration(flags.keep, '--keep'),
    maxDelete: flags.maxDelete === undefined ? null : parseMaxDelete(flags.maxDelete),
    checksum: flags.checksum === true,
    noScan: !flags.scan,
    dryRun: flags.dryRun === true,
    numericIds: flags.numericIds === true,
    xattrs: flags.xattrs === true,
    wait: flags.wait === true,
    downloadRate: rateOf(flags.bwlimit, '--bwlimit'),
    uploadRate: rateOf(flags.uplink, '--uplink'),
    peerListen: flags.peers ? addressOf(flags.peerListen) : null,
    lingerMs: parseDuration(flags.linger, '--linger'),
    lingerUnasked: cli.getOptionValueSource('linger') === 'default',
    resident: false,
  }
  if (flags.jitter !== undefined)
    await systemClock.sleep(Math.random() * parseDuration(flags.jitter, '--jitter'), signal)
  const screen = await PullScreen.open({
    items: flags.itemizeChanges === true || flags.dryRun === true || flags.verbose === true,
    bare: flags.itemizeChanges !== true,
    progress: flags.progress === true,
    verbose: flags.verbose === true,
    color: flags.color,
  })
  try {
    const host = {
      clock: systemClock,
      log:
        process.env['PRSYNC_LOG'] === undefined
          ? () => {}
          : (e: string, f?: unknown) => void process.stderr.write(`${e} ${JSON.stringify(f)}\n`),
      userAgent: `prsync/${version()}`,
    }
    const { report, outcome } = await pull(config, screen, host, signal)
    screen.finish()
    for (const fault of outcome.faults)
      process.stderr.write(`prsync: ${displayName(fault.name)}: ${fault.what}\n`)
    if (outcome.faultCount > outcome.faults.length)
      process.stderr.write(`prsync: and ${outcome.faultCount - outcome.faults.length} more\n`)
    if (flags.stats === true) process.stdout.write(screen.stats(report))
    if (flags.json === true) process.stdout.write(`${JSON.stringify(report)}\n`)
    return report.exit
  } finally {
    screen.finish()
  }
}
