/**
 * rsync's command line, from the table of options: flags in their order, and the rest. Read here and not by commander, whose
 * rules differ where scripts notice: `-B=1000` is 1000, `--delete=x` is refused as such, an error names the word as written.
 */
import { UsageError } from '../base/errors.js'
import type { Flag } from './flags.js'
import { OPTIONS, type OptionSpec } from './table.js'

export type RsyncLine = { readonly flags: readonly Flag[]; readonly paths: readonly string[] }

type Meaning = { readonly spec: OptionSpec; readonly on: boolean }

/** @param endsAtPath what comes after the first path is a path: POSIXLY_CORRECT @throws {UsageError} */
export function parseRsyncLine(argv: readonly string[], endsAtPath = false): RsyncLine {
  const flags: Flag[] = []
  const paths: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--' || (endsAtPath && paths.length > 0)) {
      paths.push(...argv.slice(word === '--' ? at + 1 : at))
      break
    }
    const next = (): string => {
      const value = argv[++at]
      if (value === undefined) throw new UsageError(`${nameOf(word)}: missing argument`)
      return value
    }
    if (word.startsWith('--')) flags.push(longFlag(word, next))
    else if (word.length > 1 && word.startsWith('-')) flags.push(...shortFlags(word, next))
    else paths.push(word)
  }
  return { flags, paths }
}

function longFlag(word: string, next: () => string): Flag {
  const equals = word.indexOf('=')
  const meaning = LONG.get(nameOf(word).slice(2))
  if (meaning === undefined) throw new UsageError(`${word}: unknown option`)
  const { spec, on } = meaning
  const takesValue = on && spec.argument !== undefined
  if (!takesValue && equals >= 0) throw new UsageError(`${word}: option does not take an argument`)
  const value = !takesValue ? null : equals >= 0 ? word.slice(equals + 1) : next()
  return { name: spec.long, on, value }
}

function* shortFlags(word: string, next: () => string): Generator<Flag> {
  for (let i = 1; i < word.length; i++) {
    const spec = SHORT.get(word.charAt(i))
    if (spec === undefined) throw new UsageError(`${word}: unknown option`)
    if (spec.argument === undefined) {
      yield { name: spec.long, on: true, value: null }
      continue
    }
    const rest = word.slice(i + 1).replace(/^=/, '')
    yield { name: spec.long, on: true, value: word.length > i + 1 ? rest : next() }
    return
  }
}

function nameOf(word: string): string {
  return word.startsWith('--') ? (word.split('=', 1)[0] ?? word) : word
}

const LONG: ReadonlyMap<string, Meaning> = new Map<string, Meaning>(
  OPTIONS.flatMap((spec): (readonly [string, Meaning])[] => [
    // What is but a letter has no long form.
    ...(spec.long === spec.short ? [] : [spec.long, ...(spec.aliases ?? [])]).map(
      (name) => [name, { spec, on: true }] as const,
    ),
    ...(spec.off ?? []).map((name) => [`no-${name}`, { spec, on: false }] as const),
  ]),
)
const SHORT: ReadonlyMap<string, OptionSpec> = new Map(
  OPTIONS.flatMap((spec) => (spec.short === undefined ? [] : [[spec.short, spec] as const])),
)
