/** A Unix socket for one question and one answer, each a line of text: file permissions decide who may ask. */
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import net from 'node:net'
import { basename, dirname } from 'node:path'
import { codeOf, messageOf, SocketError, StartupError, TryAgainError } from '../base/errors.js'

/** A question is a few words; an answer may be long. */
const QUESTION_BYTES = 4096
const ANSWER_BYTES = 1024 * 1024
const QUESTIONS_AT_ONCE = 16
const QUESTION_MS = 10_000

/**
 * Answers until closed; a socket that a dead process left is replaced, so only the owner of the place may call this.
 * @throws {StartupError} where the socket cannot be made
 */
export async function answerUnix(
  path: string,
  answer: (question: string) => Promise<string>,
): Promise<{ close(): Promise<void> }> {
  /** Connections that have not asked anything yet. */
  const silent = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    silent.add(socket)
    serveOne(socket, answer, () => silent.delete(socket))
  })
  server.maxConnections = QUESTIONS_AT_ONCE
  let place: Place | null = null
  try {
    rmSync(path, { force: true })
    place = placeOf(path)
    await listening(server, place.path)
  } catch (cause) {
    place?.release()
    throw new StartupError(`cannot listen on ${path}: ${messageOf(cause)}`, { cause })
  }
  const { release } = place
  const close = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => {
        release()
        done()
      })
      for (const socket of silent) socket.destroy()
    })
  return { close }
}

function listening(server: net.Server, path: string): Promise<void> {
  // bound within the call, so the mask holds for the socket and for nothing else
  const mask = process.umask(0o177)
  try {
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, () => resolve())
    })
  } finally {
    process.umask(mask)
  }
}

type Place = { readonly path: string; readonly release: () => void }

/** The address of a socket ends at 107 bytes, and a longer one is cut in silence: so it is named by its directory, held open. */
function placeOf(path: string): Place {
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)
  return {
    path: `/proc/self/fd/${directory}/${basename(path)}`,
    release: () => closeSync(directory),
  }
}

/** @param onAsked it is over, or is being answered */
function serveOne(
  socket: net.Socket,
  answer: (question: string) => Promise<string>,
  onAsked: () => void,
): void {
  let heard = ''
  let isAsked = false
  socket.setEncoding('utf8')
  socket.setTimeout(QUESTION_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy()) // who asked is gone: nobody to tell
  socket.on('data', (text: string) => {
    if (isAsked) return
    heard += text
    const end = heard.indexOf('\n')
    if (end < 0 && heard.length > QUESTION_BYTES) socket.destroy()
    if (end < 0) return
    isAsked = true
    onAsked()
    socket.setTimeout(0)
    answer(heard.slice(0, end)).then(
      (said) => socket.end(`${said}\n`),
      () => socket.destroy(), // the answerer's own failures are its to tell
    )
  })
  socket.on('close', onAsked)
  socket.on('end', () => {
    if (!isAsked) socket.destroy()
  })
}

/** @throws {TryAgainError} where nobody listens, {SocketError} where the answer does not come whole */
export function askUnix(path: string, question: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const place = placeToAsk(path)
    const socket = net.connect(place.path)
    let heard = ''
    let isSettled = false
    const settle = (done: () => void): void => {
      if (isSettled) return
      isSettled = true
      signal.removeEventListener('abort', stop)
      socket.destroy()
      place.release()
      done()
    }
    const stop = (): void => settle(() => reject(signal.reason as Error))
    signal.addEventListener('abort', stop, { once: true })
    socket.setEncoding('utf8')
    socket.once('connect', () => socket.write(`${question}\n`))
    socket.once('error', (cause) => settle(() => reject(refusal(path, cause))))
    socket.on('data', (text: string) => {
      heard += text
      if (heard.length > ANSWER_BYTES)
        settle(() => reject(new SocketError(`${path}: too long an answer`)))
    })
    socket.once('end', () =>
      settle(() => {
        if (heard.endsWith('\n')) resolve(heard.slice(0, -1))
        else reject(new SocketError(`${path}: broke off without an answer`))
      }),
    )
    if (signal.aborted) stop()
  })
}

function placeToAsk(path: string): Place {
  try {
    return placeOf(path)
  } catch (cause) {
    throw refusal(path, cause)
  }
}

function refusal(path: string, cause: unknown): Error {
  const code = codeOf(cause)
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return new TryAgainError(`no centre runs with ${path}`, { cause })
  return new SocketError(`${path}: ${messageOf(cause)}`, { cause })
}
