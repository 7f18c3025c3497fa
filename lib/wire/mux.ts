/** Frames of a multiplexed direction: a header of four bytes, then data of the stream or a message. prsync-protocol(7), multiplexing. */
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'

/** What is in a frame. */
export const TAG = {
  data: 0,
  errorXfer: 1,
  info: 2,
  error: 3,
  warning: 4,
  ioError: 22,
  ioTimeout: 33,
  noop: 42,
  errorExit: 86,
  success: 100,
  deleted: 101,
  noSend: 102,
} as const

export const HEADER_BYTES = 4
const BASE = 7
/** The most that one frame can hold. */
export const FRAME_BYTES = 2 ** 24 - 1

export type Frame = { readonly tag: number; readonly length: number }

export function putHeader(bytes: Uint8Array, at: number, { tag, length }: Frame): void {
  bytes[at] = length & 0xff
  bytes[at + 1] = (length >> 8) & 0xff
  bytes[at + 2] = (length >> 16) & 0xff
  bytes[at + 3] = BASE + tag
}

/** @throws {WireError} on a tag that is none, or a length that does not go with it */
export function readHeader(bytes: Uint8Array, at: number): Frame {
  const length = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
  const tag = (bytes[at + 3] ?? 0) - BASE
  if (!isAllowed(tag, length))
    throw new WireError(`frame ${tag} of ${length} bytes; is the remote shell silent?`, {
      at: 'mux',
    })
  return { tag, length }
}

function isAllowed(tag: number, length: number): boolean {
  switch (tag) {
    case TAG.data:
      return true
    case TAG.errorXfer:
    case TAG.info:
    case TAG.error:
    case TAG.warning:
    case TAG.deleted:
      return length < LIMITS.messageTextBytes
    case TAG.ioError:
    case TAG.ioTimeout:
    case TAG.success:
    case TAG.noSend:
      return length === 4
    case TAG.noop:
      return length === 0
    case TAG.errorExit:
      return length === 0 || length === 4
    default:
      return false
  }
}
