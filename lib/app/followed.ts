/** Names that lead through links of a snapshot: judged by the snapshot alone, nothing on disk is looked at. */
import { type ByteName, byteName, ROOT_NAME } from '../base/byte-name.js'
import type { Entry } from '../flist/entry.js'

export type Found = {
  /** Without any link in it. */
  readonly name: ByteName
  readonly entry: Entry
  /** The name that was asked led through a link. */
  readonly byLink: boolean
}

/** As many as Linux follows. */
const LINKS = 40

/** What a name leads to; null where nothing is, or the way is a circle or leads out. */
export function follow(name: ByteName, entryOf: (name: ByteName) => Entry | null): Found | null {
  const plain = entryOf(name)
  if (plain !== null && plain.kind !== 'symlink') return { name, entry: plain, byLink: false }
  const ahead = name.split('/')
  const at: string[] = []
  let entry: Entry | null = entryOf(ROOT_NAME)
  let links = 0
  for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (at.pop() === undefined) return null
      entry = entryOf(nameOf(at))
      continue
    }
    entry = entryOf(nameOf([...at, part]))
    if (entry?.kind !== 'symlink') {
      if (entry === null) return null
      at.push(part)
      continue
    }
    if (entry.target.startsWith('/') || ++links > LINKS) return null
    ahead.unshift(...entry.target.split('/'))
    entry = entryOf(nameOf(at))
  }
  return entry === null ? null : { name: nameOf(at), entry, byLink: links > 0 }
}

function nameOf(parts: readonly string[]): ByteName {
  return parts.length === 0 ? ROOT_NAME : byteName(parts.join('/'))
}
