/** What the running centre can be told through the socket in its state directory, both ends: one line of JSON each way. */
import { messageOf, PrsyncError, SocketError } from '../base/errors.js'
import { booleanAt, countAt, listAt, objectOf, parseObject, stringAt } from '../base/json.js'
import type { Log } from '../host.js'
import { answerUnix, askUnix } from '../io/unix-socket.js'
import type { Published, Publishing } from './publishing.js'

const PUBLISH = 'publish'
const PUBLISH_EMPTY = 'publish empty'
/** Modules in one answer. */
const MODULES = 10_000

/**
 * @param otherwise what else can be asked; null: not understood
 * @throws {StartupError} where the socket cannot be made
 */
export function answerAdmin(
  state: string,
  publishing: Publishing,
  otherwise: (question: string) => string | null,
  log: Log,
  signal: AbortSignal,
): Promise<{ close(): Promise<void> }> {
  return answerUnix(socketOf(state), async (question) => {
    if (question !== PUBLISH && question !== PUBLISH_EMPTY)
      return otherwise(question) ?? formatAnswer({ error: 'not understood' })
    try {
      return formatAnswer({ published: await publishing.now(signal, question === PUBLISH_EMPTY) })
    } catch (error) {
      if (!(error instanceof PrsyncError) && !signal.aborted)
        log('admin.failed', { what: messageOf(error) })
      return formatAnswer({ error: messageOf(error) })
    }
  })
}

/**
 * Has the running centre look at its trees now; settles when the new snapshots stand.
 * @param mayBeEmpty also of a tree in which nothing is left @throws {TryAgainError} where no centre runs
 */
export async function askPublish(
  state: string,
  mayBeEmpty: boolean,
  signal: AbortSignal,
): Promise<Published[]> {
  const question = mayBeEmpty ? PUBLISH_EMPTY : PUBLISH
  return parseAnswer(await askUnix(socketOf(state), question, signal))
}

export type AdminAnswer = { readonly published: readonly Published[] } | { readonly error: string }

export function formatAnswer(answer: AdminAnswer): string {
  return JSON.stringify(answer)
}
/** @throws {SocketError} with what the centre says went wrong, {WireError} on anything else */
export function parseAnswer(text: string): Published[] {
  const answer = parseObject(text, 'centre')
  if (Object.hasOwn(answer, 'error')) throw new SocketError(stringAt(answer, 'error'))
  return listAt(answer, 'published', MODULES).map((value) => {
    const from = objectOf(value, 'published')
    return {
      module: stringAt(from, 'module'),
      sequence: countAt(from, 'sequence'),
      changed: booleanAt(from, 'changed'),
      faults: countAt(from, 'faults'),
      failed: from['failed'] === null ? null : stringAt(from, 'failed'),
    }
  })
}

/** The socket of the centre with this state directory. */
export function socketOf(state: string): string {
  return `${state}/control.sock`
}
