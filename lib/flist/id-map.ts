/** `--usermap`, `--groupmap`: who owns what at the destination. rsync(1) --usermap. */
import { UsageError } from '../base/errors.js'
import { compileGlob } from './wildmatch.js'

/** The name service, as far as it knows. */
export type Names = {
  name(id: number): string | null
  id(name: string): number | null
}
/** An id at the source → the id at the destination. */
export type IdMap = (id: number) => number

type Rule = { readonly matches: (id: number, name: string | null) => boolean; readonly to: number }

/** @param text `FROM:TO,FROM:TO`; the first that fits counts @param otherwise where none does @throws {UsageError} */
export function parseIdMap(
  text: string,
  option: string,
  names: Names,
  otherwise: IdMap = (id) => id,
): IdMap {
  const rules = text.split(',').map((part) => parseRule(part, option, names))
  const known = new Map<number, number>()
  return (id) => {
    const before = known.get(id)
    if (before !== undefined) return before
    const name = names.name(id)
    const to = rules.find((rule) => rule.matches(id, name))?.to ?? otherwise(id)
    known.set(id, to)
    return to
  }
}

function parseRule(text: string, option: string, names: Names): Rule {
  const colon = text.indexOf(':')
  if (colon < 0 || colon === text.length - 1)
    throw new UsageError(`No colon found in --${option}: ${text}`)
  const from = text.slice(0, colon)
  const target = text.slice(colon + 1)
  const to = /^\d+$/.test(target) ? Number(target) : names.id(target)
  if (to === null) throw new UsageError(`Unknown --${option} name on receiver: ${target}`)
  return { matches: matcher(from), to }
}

function matcher(from: string): Rule['matches'] {
  const range = /^(\d+)(?:-(\d+))?$/.exec(from)
  if (range !== null) {
    const low = Number(range[1])
    const high = Number(range[2] ?? range[1])
    return (id) => id >= low && id <= high
  }
  // Nothing before the colon: whoever has no name here.
  if (from === '') return (_id, name) => name === null
  if (from === '*') return () => true
  const glob = compileGlob(from)
  return (_id, name) => name !== null && glob(name)
}
