/** The program: which command, the one catch, error → message and exit status. Heavy modules load with their command. */
import { EXIT, type ExitCode, messageOf, PrsyncError, StoppedError } from '../base/errors.js'
import { versionText } from './version.js'

/** @param invokedAs the path of the program: under the name `rsync` only the rsync face exists */
export async function main(argv: readonly string[], invokedAs: string): Promise<ExitCode> {
  const onlyRsync = /(^|\/)rsync$/.test(invokedAs)
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(versionText())
    return EXIT.ok
  }
  const scope = new AbortController()
  const stop = (name: NodeJS.Signals): void => scope.abort(new StoppedError(`stopped by ${name}`))
  // SIGUSR1 is how rsync ends who stands for its remote shell; left to Node it opens a debugger's port.
  const names = ['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGHUP'] as const
  const [command] = argv
  const handled = command === 'serve' ? names.slice(0, 3) : names
  for (const name of handled) process.on(name, stop)
  try {
    if (isSaid('--daemon', argv))
      return await (await import('./command-daemon.js')).daemonCommand(argv, scope.signal)
    if (isSaid('--server', argv))
      return await (await import('./command-server.js')).serverCommand(argv, scope.signal)
    return await run(onlyRsync ? undefined : command, argv, scope.signal)
  } catch (error) {
    return report(error)
  } finally {
    for (const name of handled) process.off(name, stop)
  }
}

/** Among the options: `--server --daemon .` is a daemon, behind a remote shell, and --rsync-path may bring options of its own. */
function isSaid(option: '--daemon' | '--server', argv: readonly string[]): boolean {
  const dot = argv.indexOf('.')
  const at = argv.indexOf(option)
  const before = argv[at - 1] ?? ''
  const isOption = argv[0]?.startsWith('-') === true && (dot < 0 || at < dot)
  return at >= 0 && isOption && before !== '-M' && before !== '--remote-option'
}

async function run(
  command: string | undefined,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const rest = argv.slice(1)
  switch (command) {
    case 'pull':
      return (await import('./command-pull.js')).pullCommand(rest, signal)
    case 'serve':
      return (await import('./command-serve.js')).serveCommand(rest, signal)
    case 'publish':
      return (await import('./command-publish.js')).publishCommand(rest, signal)
    case 'torrent':
      return (await import('./command-torrent.js')).torrentCommand(rest, signal)
    case 'keygen':
      return (await import('./command-keygen.js')).keygenCommand(rest)
    case 'completion':
      return (await import('./command-completion.js')).completionCommand(rest)
    case 'status':
      return (await import('./command-status.js')).statusCommand(rest, signal)
    case 'verify':
      return (await import('./command-verify.js')).verifyCommand(rest, signal)
    case 'volunteer':
      return (await import('./command-volunteer.js')).volunteerCommand(rest, signal)
    default:
      return (await import('./command-sync.js')).syncCommand(argv, signal)
  }
}

function report(error: unknown): ExitCode {
  if (error instanceof PrsyncError) {
    process.stderr.write(`prsync: ${error.message}\n`)
    return error.exitCode
  }
  // A defect of ours: the stack is what somebody who reports it can send.
  process.stderr.write(
    `prsync: internal error: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`,
  )
  return EXIT.ipc
}
