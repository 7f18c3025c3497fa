/** A decision → the eleven characters of rsync(1) --itemize-changes: `>f.st......`. */
import type { FileKind } from '../host.js'
import type { Changes, Decision } from './decide.js'
import { KIND_LETTER } from './iflags.js'

/** How the bytes of a file come: over the wire, from this machine, as a further name of a file. */
export type Way = 'received' | 'local' | 'linked'

/** Null for what is kept. */
export function itemize(kind: FileKind, decision: Decision, way: Way): string | null {
  const letter = KIND_LETTER[kind]
  switch (decision.kind) {
    case 'keep':
      return null
    case 'touch':
      return `.${letter}${flags(decision.changes)}`
    case 'update':
      return `${sign(kind, way)}${letter}${flags(decision.changes)}`
    case 'create':
    case 'replace':
      return `${sign(kind, way)}${letter}+++++++++`
  }
}

export const DELETING = '*deleting  '

function sign(kind: FileKind, way: Way): string {
  if (way === 'linked') return 'h'
  return kind === 'file' && way === 'received' ? '>' : 'c'
}
function flags(c: Changes): string {
  const on = (flag: boolean, letter: string): string => (flag ? letter : '.')
  return `${on(c.content, 'c')}${on(c.size, 's')}${on(c.time, 't')}${on(c.mode, 'p')}${on(c.owner, 'o')}${on(c.group, 'g')}...`
}
