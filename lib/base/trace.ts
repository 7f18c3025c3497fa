/**
 * What goes on inside, for --debug. A line that nobody asked for is not there: `trace.ruled?.(…)` then makes neither a call nor
 * a text. Words are made of it in `cli` alone. rsync(1) --debug.
 */
import type { ByteName } from './byte-name.js'

type End = 'sender' | 'generator' | 'Receiver'

export type TraceLines = {
  /** A directory that all names are relative to. */
  changedDirectory: [end: End, path: string]
  commanded: [words: readonly string[]]
  connecting: [host: string, port: number]
  /** Versions of the protocol: theirs, and the one that is spoken. */
  greeted: [theirs: number, agreed: number]
  /** A sum or compressor. @param isAgreed from what both offered @param level null: its own */
  chose: [what: 'checksum' | 'compress', name: string, isAgreed: boolean, level: number | null]
  /** A filter rule decided on a name. */
  ruled: [end: End, excludes: boolean, isDirectory: boolean, name: ByteName, rule: string]
  enteredFilters: [end: End, path: string]
  leftFilters: [end: End]
  /** A directory's own rules were looked for. */
  readRules: [end: End, path: string, isThere: boolean]
  /** An entry of the sender's list. */
  listed: [name: ByteName]
  /** It is in the list already. */
  listedTwice: [name: ByteName]
  /** A further name of a file. */
  linked: [name: ByteName, first: ByteName]
  /** The receiver looks at an entry. */
  considered: [name: ByteName]
  likened: [name: ByteName, basis: ByteName]
  sending: [path: string]
  sent: [path: string]
  placed: [made: ByteName, name: ByteName]
  backedUp: [name: ByteName]
  /** A pass of its own, below a directory that was named. */
  deletingBelow: [directory: ByteName]
  deletingIn: [directory: ByteName]
  deletingItem: [name: ByteName, mode: number, isDirectory: boolean]
  owned: [what: 'uid' | 'gid', name: ByteName, from: number, to: number]
  mapped: [what: 'uid' | 'gid', id: number, name: string | null, to: number]
  /** A directory gets its time, when all in it stands. */
  touchedUp: [name: ByteName]
  charset: [end: End, name: string]
}

export type Trace = {
  readonly [Line in keyof TraceLines]?: (...told: TraceLines[Line]) => void
}
/** Nothing was asked for. */
export const NO_TRACE: Trace = {}
