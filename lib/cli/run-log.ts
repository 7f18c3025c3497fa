/** --log-file: what is worth keeping of a run, at either end of a connection. rsync(1). Lines are one char per byte, without their end. */

import { closeSync } from 'node:fs'
import { openToAppend } from '../app/log-file.js'
import { bytesOf } from '../base/bytes.js'
import { inWords } from '../base/errno-words.js'
import type { Options } from '../options/options.js'
import { timeText } from './out-format.js'
import { writeAll } from './write-all.js'

export class RunLog {
  readonly #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  write(text: string): void {
    if (text === '') return
    const at = timeText(BigInt(Date.now()) * 1_000_000n)
    writeAll(this.#fd, bytesOf(`${at} [${process.pid}] ${text}\n`))
  }
  close(): void {
    closeSync(this.#fd)
  }
}

/** Null where none is asked for, or it cannot be had: without its log a run goes on. */
export function openRunLog(
  options: Options,
  who: string,
  line: (text: string) => void,
): RunLog | null {
  const { logFile } = options
  if (logFile === null || logFile === '') return null
  try {
    return new RunLog(openToAppend(logFile, options))
  } catch (error) {
    writeAll(2, bytesOf(`prsync: [${who}] failed to open log-file ${logFile}: ${inWords(error)}\n`))
    line('Ignoring "log file" setting.')
    return null
  }
}
