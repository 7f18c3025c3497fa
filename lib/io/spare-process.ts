/**
 * A process that started before its connection came: the start of Node takes longer than many a transfer. The connection is
 * handed over and becomes its standard input, as if the process had been started with it. What is handed over never is too
 * early: the process says when it waits.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import net from 'node:net'
import { daemonCalls } from './libc-daemon.js'
import { descriptorOf } from './quick-ack.js'

/** Tells a process what it is, and is no part of what it passes on. */
const MARK = 'PRSYNC_SPARE'
const READY = 'ready'

export class SpareProcess {
  readonly child: ChildProcess
  #isReady = false

  /** @param words of the program, itself first */
  constructor(words: readonly string[]) {
    const [program = '', ...args] = words
    this.child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, [MARK]: '1' },
    })
    this.child.once('message', () => {
      this.#isReady = true
    })
    // Whoever ends while nothing was handed over is missed by nobody.
    this.child.on('error', () => {})
  }

  get isGone(): boolean {
    return !this.child.connected
  }

  /** False: it does not wait, or no longer. Else the connection is the child's, and closed here. */
  takes(socket: net.Socket): boolean {
    if (!this.#isReady || this.isGone) return false
    this.#isReady = false
    this.child.send(READY, socket, (error) => {
      if (error !== null) socket.destroy()
    })
    return true
  }
}

/** Was this process started as one? To be asked once. */
export function isSpare(): boolean {
  const isMarked = process.env[MARK] !== undefined
  delete process.env[MARK]
  return isMarked && process.send !== undefined
}

/** Waits until standard input is a connection. False: there will be none. */
export function connectionCame(signal: AbortSignal): Promise<boolean> {
  const calls = daemonCalls()
  return new Promise((resolve) => {
    const end = (came: boolean): void => {
      signal.removeEventListener('abort', none)
      process.off('disconnect', none)
      if (process.connected) process.disconnect()
      resolve(came)
    }
    const none = (): void => end(false)
    if (calls === null || signal.aborted) return none()
    signal.addEventListener('abort', none, { once: true })
    process.once('disconnect', none)
    process.once('message', (_said: unknown, handed: unknown) => {
      // Nothing was read of it yet: the event loop did not turn since it came.
      const came = handed instanceof net.Socket && calls.become(0, descriptorOf(handed))
      if (handed instanceof net.Socket) handed.destroy()
      end(came)
    })
    process.send?.(READY)
  })
}
