/**
 * A program that says who is who: a line with a question, a line with its answer. rsyncd.conf(5), name converter. It is asked in
 * the middle of a list, so that we wait for it: over pipes that block, which Node has no name for.
 */
import { spawn } from 'node:child_process'
import { closeSync, readSync, writeSync } from 'node:fs'
import { SocketError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Surroundings } from './child.js'
import { shellOf } from './hooks.js'
import { SystemError } from './libc-calls.js'
import { daemonCalls } from './libc-daemon.js'

export type NameConverter = {
  /** @param kind what is known: a number, or a name, one char per byte. Null: there is no answer. @throws {SocketError} when it is gone */
  ask(kind: 'uid' | 'gid' | 'usr' | 'grp', known: string): string | null
}

/** It runs until this process ends. @throws {SystemError} where it cannot be started */
export function openNameConverter(command: string, env: Surroundings): NameConverter {
  const calls = daemonCalls()
  if (calls === null) throw new SystemError('a name converter needs koffi', 'ENOSYS')
  const [itsInput, questions] = calls.pipe()
  const [answers, itsOutput] = calls.pipe()
  const text = Buffer.from(command, 'latin1').toString('utf8')
  const child = spawn(shellOf(env), ['-c', text], {
    stdio: [itsInput, itsOutput, 'inherit'],
    env: { ...env },
  })
  // That it cannot be started is heard as an answer that does not come.
  child.once('error', () => {})
  child.unref()
  closeSync(itsInput)
  closeSync(itsOutput)
  return {
    ask(kind, known) {
      // A name of somebody else's must not be a second question.
      if (/[\n\0]/.test(known)) return null
      try {
        writeSync(questions, Buffer.from(`${kind} ${known}\n`, 'latin1'))
      } catch (cause) {
        throw gone(cause)
      }
      return lineFrom(answers) || null
    },
  }
}

function gone(cause?: unknown): SocketError {
  return new SocketError('the name converter is gone', { cause })
}
function lineFrom(fd: number): string {
  const byte = Buffer.alloc(1)
  let line = ''
  while (line.length < LIMITS.accountNameBytes) {
    if (readSync(fd, byte, 0, 1, null) === 0) throw gone()
    const char = byte.toString('latin1')
    if (char === '\n') return line
    line += char
  }
  throw new SocketError('the name converter says too much')
}
