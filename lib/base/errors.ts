/** Every error prsync raises on purpose, and the exit status it leads to. */

/** rsync(1) EXIT VALUES, and two of sysexits(3) for what rsync has no word for. */
export const EXIT = {
  ok: 0,
  usage: 1,
  protocol: 2,
  fileSelect: 3,
  unsupported: 4,
  startup: 5,
  socket: 10,
  file: 11,
  stream: 12,
  ipc: 14,
  signal: 20,
  partial: 23,
  vanished: 24,
  maxDelete: 25,
  timeout: 30,
  contimeout: 35,
  /** EX_TEMPFAIL: nothing changed, try again later. */
  tryAgain: 75,
  /** EX_NOPERM: signature, rollback, expiry: what came is not trusted. */
  untrusted: 77,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** A call that failed for a path, which a daemon shows its clients as it stands in the module. */
export type FailedCall = { readonly before: string; readonly path: string; readonly after: string }

/** What ends a run: the message is for a person, the status for a program. */
export abstract class PrsyncError extends Error {
  abstract readonly exitCode: ExitCode
  /** It was told already, or by somebody else. */
  get isSilent(): boolean {
    return false
  }
  /** What the message says, in parts; null: it is not of a call. */
  readonly call: FailedCall | null
  constructor(
    message: string,
    options: ErrorOptions & { readonly at?: string; readonly call?: FailedCall } = {},
  ) {
    super(options.at === undefined ? message : `${options.at}: ${message}`, options)
    this.name = new.target.name
    this.call = options.call ?? null
  }
}

/** The command line asks for what cannot be. */
export class UsageError extends PrsyncError {
  readonly exitCode = EXIT.usage
}
/** The two ends have no protocol in common, or what is asked cannot be said in it. */
export class ProtocolError extends PrsyncError {
  readonly exitCode = EXIT.protocol
}
/** An option or a machine feature that is not there. */
export class UnsupportedError extends PrsyncError {
  readonly exitCode = EXIT.unsupported
}
/** The run could not begin: a port taken, a state directory that cannot be used. */
export class StartupError extends PrsyncError {
  readonly exitCode = EXIT.startup
}
/** The network failed under us. */
export class SocketError extends PrsyncError {
  readonly exitCode = EXIT.socket
}
/** A file or directory could not be read or written. */
export class FileError extends PrsyncError {
  readonly exitCode = EXIT.file
}
/** A place to read from or write to cannot be used. */
export class SelectionError extends PrsyncError {
  readonly exitCode = EXIT.fileSelect
}
/** The other side sent bytes its protocol does not allow. */
export class WireError extends PrsyncError {
  readonly exitCode = EXIT.stream
}
/** The user, or the system, told us to stop. */
export class StoppedError extends PrsyncError {
  readonly exitCode = EXIT.signal
  // Whoever pressed Ctrl-C knows.
  override get isSilent(): boolean {
    return true
  }
}
/** Nobody answered in time. */
export class TimeoutError extends PrsyncError {
  readonly exitCode = EXIT.timeout
}
/** A daemon did not answer in time: rsync(1) --contimeout. */
export class ConnectTimeoutError extends PrsyncError {
  readonly exitCode = EXIT.contimeout
}
/** A program that we need cannot be run. */
export class ProgramError extends PrsyncError {
  readonly exitCode = EXIT.ipc
}
/** The centre cannot be had now; nothing was changed. */
export class TryAgainError extends PrsyncError {
  readonly exitCode = EXIT.tryAgain
}
/** The centre took a question and hung up without an answer: it may have more to do than it can. */
export class HungUpError extends TryAgainError {}
/** Signed by the wrong key, older than what was seen, expired, or asking for what a tree may not hold. */
export class TrustError extends PrsyncError {
  readonly exitCode = EXIT.untrusted
}

/** The `code` of a system error ('ENOENT'), or undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** What went wrong, in words, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The end of an exhaustive switch. */
export function assertNever(x: never): never {
  throw new TypeError(`unhandled case: ${JSON.stringify(x)}`)
}
