/** `prsync volunteer invite|list|quarantine|drain|release|remove`: who serves the files of the centre here. */
import { defaultState } from '../app/system.js'
import { changeVolunteer, inviteVolunteer, listVolunteers } from '../app/volunteer-admin.js'
import { EXIT, type ExitCode, UsageError } from '../base/errors.js'
import { parseDuration } from '../options/units.js'
import { type Command, command, parse } from './program.js'
import { collected, rateOf } from './values.js'

type Flags = {
  state?: string
  uplink?: string
  network?: string[]
  ttl: string
  why: string
  json?: boolean
}

export const VOLUNTEER_WORDS = ['invite', 'list', 'quarantine', 'drain', 'release', 'remove']

export function volunteerProgram(): Command {
  return command('volunteer', 'Say who may serve the files of the centre here.')
    .argument('<what>', VOLUNTEER_WORDS.join(', '))
    .argument('[name]', 'the volunteer, as logs and headers call it')
    .option('--state <dir>', 'the state directory of the centre here')
    .option('--uplink <rate>', 'invite: what it can send (KiB a second, or 100m)')
    .option(
      '--network <range>',
      'invite: its clients first, as in 192.0.2.0/24; again for more',
      collected,
    )
    .option('--ttl <time>', 'invite: the token is good for so long', '48h')
    .option('--why <text>', 'quarantine: what others are told', 'by an admin')
    .option('--json', 'list: one JSON object for each')
    .addHelpText(
      'after',
      `
invite prints a token for one volunteer; with a known name, for its new key or
URL. quarantine and drain send it nobody until release; remove ends its
enrolment.
Exit status 75 when no centre runs.

Examples:
  prsync volunteer invite mirror-1 --uplink 100m
  prsync volunteer list`,
    )
}

export async function volunteerCommand(
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const cli = volunteerProgram()
  if (!parse(cli, argv)) return EXIT.ok
  const flags = cli.opts<Flags>()
  const [what, name] = cli.args
  const state = flags.state ?? defaultState()
  if (what === 'list') {
    for (const each of await listVolunteers(state, signal)) {
      const { baseUrl, state: now, why } = each
      const line = [each.name, now, baseUrl ?? '-', why].filter((word) => word !== '').join(' ')
      process.stdout.write(`${flags.json === true ? JSON.stringify(each) : line}\n`)
    }
    return EXIT.ok
  }
  if (name === undefined) throw new UsageError(`volunteer ${what ?? ''} wants a name`)
  if (what === 'invite') {
    const uplink = rateOf(flags.uplink, '--uplink')
    const networks = flags.network ?? []
    const ttlMs = parseDuration(flags.ttl, '--ttl')
    process.stdout.write(
      `${await inviteVolunteer(state, { name, uplink, networks, ttlMs }, signal)}\n`,
    )
    return EXIT.ok
  }
  if (what !== 'quarantine' && what !== 'drain' && what !== 'release' && what !== 'remove')
    throw new UsageError(`volunteer: not ${what ?? ''}, but ${VOLUNTEER_WORDS.join(', ')}`)
  if (!(await changeVolunteer(state, { volunteer: what, name, why: flags.why }, signal)))
    throw new UsageError(`no volunteer is called ${name}`)
  return EXIT.ok
}
