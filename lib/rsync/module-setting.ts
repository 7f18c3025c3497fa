/** A module of a daemon as a transfer needs it. rsyncd.conf(5) says what each means. Texts are one char per byte. */
import type { FilterRule } from '../flist/filter.js'
import {
  type Environment,
  flagOf,
  maybeOf,
  numberOf,
  textOf,
  type Values,
} from '../options/conf.js'
import type { Access } from './daemon-auth.js'

export type ModuleSetting = {
  readonly name: string
  /** Where its files stand, as the session sees it: `/` or below, once it is confined by chroot. */
  readonly path: string
  /** The same for people. */
  readonly shownPath: string
  readonly confinedBy: 'chroot' | 'path'
  readonly readOnly: boolean
  readonly writeOnly: boolean
  readonly numericIds: boolean
  readonly fakeSuper: boolean
  readonly mungeSymlinks: boolean
  readonly insecureLinks: boolean
  readonly ignoreErrors: boolean
  readonly ignoreNonreadable: boolean
  /** Null: the client says. */
  readonly openNoatime: boolean | null
  /** Seconds; 0: the client says. */
  readonly timeout: number
  readonly maxVerbosity: number
  readonly filters: readonly FilterRule[]
  readonly incomingChmod: string
  readonly outgoingChmod: string
  /** Patterns; empty: none. */
  readonly dontCompress: string
  /** Empty: --iconv is refused. */
  readonly charset: string
  readonly tempDir: string
  readonly transferLogging: boolean
  readonly logFormat: string
}

/** What is known of a connection when its module is set up. */
export type Standing = {
  readonly name: string
  readonly path: string
  readonly shownPath: string
  readonly confinedBy: 'chroot' | 'path'
  /** The module is the root of what the process sees: nothing to leave, nothing to munge. */
  readonly isWhole: boolean
  readonly access: Access
  readonly filters: readonly FilterRule[]
  /** Of --log-file-format; null: it was not said. */
  readonly logFormat: string | null
}

export function moduleSetting(values: Values, env: Environment, at: Standing): ModuleSetting {
  const text = (name: string): string => textOf(values, name, env)
  const format = at.logFormat ?? text('log format')
  return {
    name: at.name,
    path: at.path,
    shownPath: at.shownPath,
    confinedBy: at.confinedBy,
    // What a centre publishes comes from its own tree alone.
    readOnly:
      text('published by') !== '' ||
      (at.access === null ? flagOf(values, 'read only') : at.access === 'ro'),
    writeOnly: flagOf(values, 'write only'),
    numericIds:
      maybeOf(values, 'numeric ids') ??
      (at.confinedBy === 'chroot' && text('name converter') === ''),
    fakeSuper: flagOf(values, 'fake super'),
    mungeSymlinks: maybeOf(values, 'munge symlinks') ?? !at.isWhole,
    insecureLinks: flagOf(values, 'insecure links'),
    ignoreErrors: flagOf(values, 'ignore errors'),
    ignoreNonreadable: flagOf(values, 'ignore nonreadable'),
    openNoatime: maybeOf(values, 'open noatime'),
    timeout: numberOf(values, 'timeout'),
    maxVerbosity: numberOf(values, 'max verbosity'),
    filters: at.filters,
    incomingChmod: text('incoming chmod'),
    outgoingChmod: text('outgoing chmod'),
    dontCompress: text('dont compress'),
    charset: text('charset'),
    tempDir: text('temp dir'),
    transferLogging: at.logFormat === null ? flagOf(values, 'transfer logging') : format !== '',
    logFormat: format,
  }
}
