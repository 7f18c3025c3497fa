/** Messages of the other side, each to whom it concerns. prsync-protocol(7), messages. */
import { latin1Of } from '../base/bytes.js'
import { EXIT, type ExitCode, PrsyncError, WireError } from '../base/errors.js'
import { TAG } from '../wire/mux.js'
import { numberIn } from './reader.js'

export type MessageHandlers = {
  /** Text for people, one char per byte. */
  said(text: string, isError: boolean, isFault: boolean): void
  deleted?(name: string, isDirectory: boolean): void
  /** A file stands at the receiver, so that its source may go. */
  success?(number: number): void
  notSent?(number: number): void
  ioError?(bits: number): void
  /** Nothing heard for so long means that nobody is there. */
  timeout?(seconds: number): void
  /** It wants to hear that somebody is here. */
  noop?(): void
}

/** The other side gave up, and said so: nothing is to be said again. */
export class PeerExit extends PrsyncError {
  readonly exitCode: ExitCode
  readonly isAnswer: boolean
  override get isSilent(): boolean {
    return true
  }
  /** @param code what it says of itself; a run that was given up never counts as a good one */
  constructor(code: number, isAnswer: boolean) {
    super('the other side gave up')
    this.exitCode = code > 0 && code < 256 ? (code as ExitCode) : EXIT.stream
    this.isAnswer = isAnswer
  }
}

const MOST_TIMEOUT_S = 86_400

export function handleMessage(tag: number, payload: Uint8Array, to: MessageHandlers): void {
  switch (tag) {
    case TAG.errorXfer:
      return to.said(latin1Of(payload), true, true)
    case TAG.error:
    case TAG.warning:
      return to.said(latin1Of(payload), true, false)
    case TAG.info:
      return to.said(latin1Of(payload), false, false)
    case TAG.ioError:
      return (to.ioError ?? refuse(tag))(numberIn(payload) & 7)
    case TAG.ioTimeout: {
      const seconds = numberIn(payload)
      if (seconds < 1 || seconds > MOST_TIMEOUT_S)
        throw new WireError(`a time limit of ${seconds} s`)
      return (to.timeout ?? refuse(tag))(seconds)
    }
    case TAG.noop:
      return to.noop?.()
    case TAG.errorExit:
      throw new PeerExit(payload.length === 0 ? 0 : numberIn(payload), payload.length === 0)
    case TAG.success:
      return (to.success ?? refuse(tag))(numberIn(payload))
    case TAG.noSend:
      return (to.notSent ?? refuse(tag))(numberIn(payload))
    case TAG.deleted: {
      const text = latin1Of(payload)
      const isDirectory = text.endsWith('\0')
      return (to.deleted ?? refuse(tag))(isDirectory ? text.slice(0, -1) : text, isDirectory)
    }
    default:
      throw new WireError(`message ${tag}`)
  }
}

function refuse(tag: number): never {
  throw new WireError(`message ${tag}, which has no meaning here`)
}
