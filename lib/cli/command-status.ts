/** `prsync status URL|DIR`. */
import { parseCentreUrl } from '../app/centre.js'
import {
  type CentreStatus,
  centreStatus,
  statusClient,
  type TreeStatus,
  treeStatus,
} from '../app/status.js'
import { systemClock } from '../app/system.js'
import { EXIT, type ExitCode, PrsyncError } from '../base/errors.js'
import { parseDuration } from '../options/units.js'
import { type Command, command, parse } from './program.js'
import { version } from './version.js'

type Flags = { json?: boolean; watch?: boolean; interval: string }

export function statusProgram(): Command {
  return command('status', 'Say what a centre publishes and gives, or how a pulled tree stands.')
    .argument('<url|dir>', 'http://centre:8730/NAME, or a directory that prsync pull keeps')
    .option('--json', 'one JSON object')
    .option('--watch', 'again and again, until stopped')
    .option('--interval <time>', 'how often with --watch', '2s')
    .addHelpText(
      'after',
      `
Exit status of a directory: 0 when the last pull finished, 23 when it did not.

Example:
  prsync status --watch http://centre:8730/debian`,
    )
}

export async function statusCommand(
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const cli = statusProgram()
  if (!parse(cli, argv)) return EXIT.ok
  const flags = cli.opts<Flags>()
  const [what = ''] = cli.args
  const everyMs = parseDuration(flags.interval, '--watch')
  const client = statusClient(`prsync/${version()}`)
  try {
    for (;;) {
      const { text, exit } = await look(what, client, flags.json === true, signal).catch(
        (error: unknown) => {
          if (flags.watch !== true || signal.aborted || !(error instanceof PrsyncError)) throw error
          return { text: `prsync: ${error.message}\n`, exit: error.exitCode }
        },
      )
      const clear = flags.watch === true && flags.json !== true && process.stdout.isTTY
      process.stdout.write(clear ? `\x1b[H\x1b[2J${text}` : text)
      if (flags.watch !== true) return exit
      await systemClock.sleep(everyMs, signal)
    }
  } finally {
    client.close()
  }
}

async function look(
  what: string,
  client: ReturnType<typeof statusClient>,
  json: boolean,
  signal: AbortSignal,
): Promise<{ text: string; exit: ExitCode }> {
  if (/^https?:\/\//.test(what)) {
    const status = await centreStatus(parseCentreUrl(what), client, signal)
    return { text: json ? centreJson(status) : centreText(status), exit: EXIT.ok }
  }
  const status = await treeStatus(what)
  const exit = status.isComplete ? EXIT.ok : EXIT.partial
  return { text: json ? treeJson(status) : treeText(status), exit }
}

function centreJson({ url, head, fingerprint, traffic }: CentreStatus): string {
  const { module, sequence, files, bytes, time, expires } = head
  return line({ url, module, sequence, files, bytes, time, expires, fingerprint, traffic })
}

function treeJson({ head, ...status }: TreeStatus): string {
  const { module, sequence, files, bytes, time, expires } = head
  return line({ module, sequence, files, bytes, time, expires, ...status })
}

function centreText({ url, head, fingerprint, traffic }: CentreStatus): string {
  const rows = [['centre', url], ...headRows(head), ['key', fingerprint]]
  if (traffic !== null) {
    const { swarm, connections, given, nodes } = traffic
    rows.push([
      'nodes',
      `${swarm.seeds} complete, ${swarm.leeches} fetching; ${connections} connected to the centre`,
    ])
    rows.push([
      'given',
      `${number(given.wire)} bytes to nodes, ${number(given.http)} over HTTP, ${number(given.torrents)} to BitTorrent clients`,
    ])
    for (const node of nodes)
      rows.push([
        'node',
        `${node.address}: sequence ${node.through ?? '-'}, ${rate(node.receiveRate)} in, ${rate(node.sendRate)} out`,
      ])
  }
  return table(rows)
}

function treeText(status: TreeStatus): string {
  const { directory, url, head, fingerprint, isComplete, doneSequence, doneAt, askedAt } = status
  const done = doneSequence === null ? 'never' : `sequence ${doneSequence}, ${time(doneAt)}`
  return table([
    ['tree', directory],
    ['centre', url ?? 'unknown'],
    ...headRows(head),
    ['key', fingerprint],
    ['last pull', time(askedAt)],
    ['in step', isComplete ? `yes, ${time(doneAt)}` : `no; last: ${done}`],
    ['at work', status.holder === null ? 'nobody' : `process ${status.holder}`],
  ])
}

function headRows(head: CentreStatus['head']): string[][] {
  const expired = head.expires * 1000 < systemClock.now() ? ' (expired)' : ''
  return [
    ['sequence', `${head.sequence} (${number(head.files)} files, ${number(head.bytes)} bytes)`],
    ['published', time(head.time * 1000)],
    ['expires', `${time(head.expires * 1000)}${expired}`],
  ]
}

function table(rows: readonly (readonly string[])[]): string {
  return rows.map(([name = '', value = '']) => `${name.padEnd(10)} ${value}\n`).join('')
}
function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
function number(n: number): string {
  return n.toLocaleString('en-US')
}
function rate(bytes: number): string {
  return `${number(Math.round(bytes / 1024))} KiB/s`
}
/** In UTC. */
function time(ms: number | null): string {
  if (ms === null || !(ms < 8.64e15)) return 'unknown'
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`
}
