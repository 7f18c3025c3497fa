/**
 * The door to the system calls Node lacks. Loaded when first needed. Where koffi has no binary for this machine the calls are
 * made of what Node has, which keeps names inside the tree as well but loses some attributes: `lacks` says which.
 */
import type { Libc } from './libc-calls.js'
import { koffiCalls } from './libc-koffi.js'
import { nodeCalls } from './libc-node.js'

export { AT, type Libc, type StatByAddress } from './libc-calls.js'

let loaded: Libc | undefined
/** @throws {SystemError} where there is neither koffi nor /proc */
export function libc(): Libc {
  loaded ??= (process.env['PRSYNC_NO_LIBC'] === '1' ? null : koffiCalls()) ?? nodeCalls()
  return loaded
}
/** What is lost on this machine, in words for an admin; empty: nothing. */
export function machineLacks(): readonly string[] {
  return libc().lacks
}
