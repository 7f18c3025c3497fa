/** Where the password for a daemon comes from: a file that nobody else can read, or the person at the terminal. */
import { closeSync, createReadStream, fstatSync, openSync, readFileSync } from 'node:fs'
import tty from 'node:tty'
import { messageOf, UsageError } from '../base/errors.js'

/** The first line of --password-file, one char per byte; `-`: of standard input. @throws {UsageError} */
export function readPasswordFile(path: string): string {
  if (path === '-') return firstLine(readFileSync(0, 'latin1'))
  let fd: number
  try {
    fd = openSync(Buffer.from(path, 'latin1'), 'r')
  } catch (cause) {
    throw new UsageError(`could not open password file ${path}: ${messageOf(cause)}`, { cause })
  }
  try {
    const { mode, uid } = fstatSync(fd)
    if ((mode & 0o006) !== 0) throw new UsageError('password file must not be other-accessible')
    if (process.geteuid?.() === 0 && uid !== 0)
      throw new UsageError('password file must be owned by root when running as root')
    return firstLine(readFileSync(fd, 'latin1'))
  } finally {
    closeSync(fd)
  }
}
function firstLine(text: string): string {
  return text.split(/[\r\n]/, 1)[0] ?? ''
}

/** Asks at the terminal, without echo; without a terminal: empty. */
export function askPassword(prompt: string, signal: AbortSignal): Promise<string> {
  let fd: number
  try {
    fd = openSync('/dev/tty', 'r+')
  } catch {
    // Nobody is there to be asked, as in a cron job: the daemon says what it thinks of that.
    return Promise.resolve('')
  }
  if (!tty.isatty(fd)) {
    closeSync(fd)
    return Promise.resolve('')
  }
  const terminal = new tty.ReadStream(fd)
  const say = new tty.WriteStream(openSync('/dev/tty', 'w'))
  terminal.setRawMode(true)
  say.write(prompt)
  return new Promise((resolve, reject) => {
    let typed = ''
    const done = (finish: () => void): void => {
      signal.removeEventListener('abort', stop)
      terminal.setRawMode(false)
      say.write('\n', () => say.destroy())
      terminal.destroy()
      finish()
    }
    const stop = (): void => done(() => reject(signal.reason as Error))
    signal.addEventListener('abort', stop, { once: true })
    terminal.on('data', (chunk: Buffer) => {
      for (const c of chunk.toString('latin1')) {
        if (c === '\x03') return void process.kill(process.pid, 'SIGINT')
        if (c === '\r' || c === '\n' || c === '\x04') return done(() => resolve(typed))
        typed = c === '\x7f' || c === '\b' ? typed.slice(0, -1) : typed + c
      }
    })
    if (signal.aborted) stop()
  })
}

/** What --early-input names; at most `most` bytes of it count. @throws {UsageError} */
export async function readEarlyInput(path: string, most: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of createReadStream(Buffer.from(path, 'latin1'), { end: most - 1 }))
      chunks.push(chunk as Buffer)
  } catch (cause) {
    throw new UsageError(`failed to read ${path}: ${messageOf(cause)}`, { cause })
  }
  return Buffer.concat(chunks)
}
