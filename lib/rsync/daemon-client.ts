/** The client's half of a daemon's dialogue, up to the arguments. prsync-protocol(7), daemon. */
import { StartupError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { authResponse } from '../hash/auth-digest.js'
import {
  agreedDigest,
  agreedProtocol,
  formatClientLine,
  formatGreeting,
  type Greeting,
  parseDaemonLine,
  parseGreeting,
} from '../wire/greeting.js'
import type { LineLink } from './line-link.js'

export type Joining = {
  /** Empty: which there are. */
  readonly module: string
  /** Of --protocol, or the newest. */
  readonly protocol: number
  readonly user: string
  /** Asked for once, if at all. */
  password(): Promise<string>
  readonly earlyInput: Uint8Array | null
  /** The message of the day and the modules, line by line, as they come. */
  onText(line: string): void
}

export type Joined =
  | { readonly kind: 'joined'; readonly protocol: number; readonly theirs: number }
  /** The daemon told its modules and is done. */
  | { readonly kind: 'listed' }

/** @throws {StartupError} when the daemon refuses, or is none */
export async function joinDaemon(
  link: LineLink,
  want: Joining,
  signal: AbortSignal,
): Promise<Joined> {
  await link.say(`${formatGreeting(want.protocol)}\n`, signal)
  const first = await link.line(LIMITS.clientLineBytes, signal)
  if (first === null) throw new StartupError('did not see server greeting')
  const greeting = serverGreeting(first)
  const protocol = agreedProtocol(want.protocol, greeting)
  if (want.earlyInput !== null) {
    const { length } = want.earlyInput
    await link.say(`${formatClientLine({ kind: 'early-input', length })}\n`, signal)
    await link.write(want.earlyInput, signal)
  }
  await link.say(`${formatClientLine({ kind: 'module', name: want.module })}\n`, signal)
  for (let lines = 0; lines < LIMITS.daemonLines; lines++) {
    const text = await link.line(LIMITS.clientLineBytes, signal)
    if (text === null) throw new StartupError('the daemon broke off before the transfer')
    const line = parseDaemonLine(text)
    switch (line.kind) {
      case 'ok':
        return { kind: 'joined', protocol, theirs: greeting.protocol }
      case 'exit':
        return { kind: 'listed' }
      case 'error':
        throw new StartupError(line.text)
      case 'challenge': {
        const digest = agreedDigest(greeting, protocol)
        if (digest === null)
          throw new StartupError(
            `no digest for the password in common: ${greeting.digests?.join(' ')}`,
          )
        const response = authResponse(digest, await want.password(), line.challenge)
        await link.say(`${want.user} ${response}\n`, signal)
        break
      }
      case 'text':
        want.onText(line.text)
    }
  }
  throw new StartupError(`the daemon says more than ${LIMITS.daemonLines} lines`)
}

function serverGreeting(line: string): Greeting {
  if (line.startsWith('@ERROR')) throw new StartupError(line)
  try {
    const greeting = parseGreeting(line)
    if (greeting.omits !== null)
      throw new StartupError(`the server omitted the ${greeting.omits}: ${line}`)
    return greeting
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new StartupError('did not see server greeting', { cause })
  }
}
