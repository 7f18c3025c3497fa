/** Programs at the other end of a Link: a remote shell, or what stands in for a socket. Their standard error is ours. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import net from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { messageOf, ProgramError } from '../base/errors.js'
import type { Link } from '../host.js'
import { daemonCalls } from './libc-daemon.js'
import { ReadRing } from './read-ring.js'
import { readingInto } from './stdio-link.js'
import { StreamLink } from './stream-link.js'

export type ChildLink = Link & {
  /** Its status, once it is over; of one that a signal ended, what rsync has for that. */
  finished(): Promise<number>
}

/** rsync(1) EXIT VALUES: the sibling crashed, was terminated. */
const CRASHED = 15
const TERMINATED = 16
const CRASHES: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGFPE', 'SIGILL'])

export type Surroundings = Readonly<Record<string, string | undefined>>

/**
 * Runs a program with a stream each way. It ends with the signal.
 * @param words one char per byte @throws {ProgramError} where it cannot be run
 */
export async function linkToChild(
  words: readonly string[],
  env: Surroundings,
  signal: AbortSignal,
): Promise<ChildLink> {
  const [program = '', ...rest] = passable(words)
  // Node reads what it opened itself into memory that it makes anew each time.
  const ends = daemonCalls()?.socketPair() ?? null
  const output = ends === null ? 'pipe' : ends[1]
  const child = spawn(program, rest, { stdio: ['pipe', output, 'inherit'], env: { ...env } })
  if (ends !== null) closeSync(ends[1])
  try {
    await started(child, program)
  } catch (error) {
    if (ends !== null) closeSync(ends[0])
    throw error
  }
  const { stdin, stdout } = child
  if (stdin === null) throw new ProgramError(`no way to ${program}`)
  if (stdout !== null) return new OwnedChild(child, stdout, stdin, signal)
  if (ends === null) throw new ProgramError(`no way from ${program}`)
  const ring = new ReadRing()
  const how = readingInto(ring, { fd: ends[0], readable: true, writable: false })
  return new OwnedChild(child, new net.Socket(how), stdin, signal, ring)
}

/**
 * Runs a command line of a shell with one socket as its input and output: RSYNC_CONNECT_PROG. It stands for the network, which
 * has no status. @throws {ProgramError}
 */
export async function linkToSocketProgram(
  command: string,
  shell: string,
  env: Surroundings,
  signal: AbortSignal,
): Promise<ChildLink> {
  // Node makes a socket that goes both ways of any descriptor but the first three.
  const child = spawn(
    shell,
    ['-c', `exec 0<&3 1>&3 3>&-; ${Buffer.from(command, 'latin1').toString('utf8')}`],
    {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
      env: { ...env },
    },
  )
  await started(child, shell)
  const socket = child.stdio[3] as Readable & Writable
  const link = new OwnedChild(child, socket, socket, signal)
  return Object.assign(link, { finished: () => link.over.then(() => 0) })
}

function started(child: ChildProcess, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) =>
      reject(new ProgramError(`failed to run ${program}: ${messageOf(cause)}`, { cause })),
    )
  })
}

class OwnedChild extends StreamLink implements ChildLink {
  readonly over: Promise<number>

  constructor(
    child: ChildProcess,
    incoming: Readable,
    outgoing: Writable,
    signal: AbortSignal,
    ring: ReadRing | null = null,
  ) {
    super(incoming, outgoing, ring)
    const stop = (): void => void child.kill('SIGTERM')
    child.on('error', () => {}) // of a kill that came too late
    this.over = new Promise((resolve) => {
      child.once('exit', (code, name) => {
        signal.removeEventListener('abort', stop)
        resolve(code ?? (name !== null && CRASHES.has(name) ? CRASHED : TERMINATED))
      })
    })
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
  }

  finished(): Promise<number> {
    return this.over
  }
}

/**
 * Node passes arguments as UTF-8. Where bytes are none, a shell makes them: it puts each together from octal numbers, with a full
 * stop at the end that keeps it from cutting line ends off.
 */
function passable(words: readonly string[]): readonly string[] {
  const texts = words.map((word) => Buffer.from(word, 'latin1').toString('utf8'))
  if (texts.every((text, i) => Buffer.from(text, 'utf8').toString('latin1') === words[i]))
    return texts
  const made = words.map((word, i) => {
    const octal = [...Buffer.from(word, 'latin1')].map((byte) => `\\0${byte.toString(8)}`).join('')
    return `a${i}=$(printf '%b.' '${octal}'); a${i}=\${a${i}%.}`
  })
  const names = words.map((_, i) => `"$a${i}"`)
  return ['/bin/sh', '-c', `${made.join('; ')}; exec ${names.join(' ')}`]
}
