/** A log that another program may move away: SIGHUP opens its name anew. Lines of one turn of the event loop go out together. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { messageOf, StartupError } from '../base/errors.js'

export type AccessLog = {
  /** @param line with its end */
  write(line: string): void
  close(): void
}

/** @param path `-`: standard output @throws {StartupError} where it cannot be opened */
export function openAccessLog(path: string): AccessLog {
  let fd = open(path)
  let lines: string[] = []
  const flush = (): void => {
    const text = lines.join('')
    lines = []
    try {
      writeSync(fd, text)
    } catch {
      // A full disk loses lines, not clients; how much room there is others watch.
    }
  }
  const reopen = (): void => {
    flush()
    try {
      const next = open(path)
      if (fd !== STANDARD_OUTPUT) closeSync(fd)
      fd = next
    } catch {
      // The old file goes on until the next signal: better than no log.
    }
  }
  process.on('SIGHUP', reopen)
  return {
    write: (line) => {
      if (lines.length === 0) setImmediate(flush)
      lines.push(line)
    },
    close: () => {
      process.off('SIGHUP', reopen)
      flush()
      if (fd !== STANDARD_OUTPUT) closeSync(fd)
    },
  }
}

const STANDARD_OUTPUT = 1

function open(path: string): number {
  if (path === '-') return STANDARD_OUTPUT
  try {
    return openSync(path, 'a', 0o640)
  } catch (cause) {
    throw new StartupError(`cannot open the access log ${path}: ${messageOf(cause)}`, { cause })
  }
}
