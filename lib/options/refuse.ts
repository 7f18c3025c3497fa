/** `refuse options`: which options of a client a daemon does not take. rsyncd.conf(5). */
import { OPTIONS } from './table.js'

/** One spelling of an option, as it can be refused. */
type Spelling = { readonly long: string; readonly short: string | null }

/** Not meant by wildcards: without them nothing works, or they do no harm. */
const VITAL: ReadonlySet<string> = new Set([
  ...[
    'server',
    'sender',
    'rsh',
    'out-format',
    'log-format',
    'dry-run',
    'secluded-args',
    'protect-args',
  ],
  ...['from0', 'iconv', 'no-iconv', 'checksum-seed', 'write-devices'],
])
/** Refused, unless they are accepted by name. */
const REFUSED_FIRST = ['copy-devices', 'write-devices']
/** Refused whatever is said: they name files of the daemon. */
const REFUSED_EVER: ReadonlySet<string> = new Set(['log-file', 'log-file-format', 'insecure-links'])
/** Of `archive`, where it is named. */
const ARCHIVE = [
  'recursive',
  'links',
  'perms',
  'times',
  'group',
  'owner',
  'D',
  'devices',
  'specials',
]
/** What an option brings with it: where that is refused, it is too. */
const IMPLIES: Readonly<Record<string, string>> = {
  'delete-before': 'delete',
  'delete-during': 'delete',
  del: 'delete',
  'delete-delay': 'delete',
  'delete-after': 'delete',
  'delete-excluded': 'delete',
  'delete-missing-args': 'delete',
  append: 'inplace',
  'append-verify': 'inplace',
  'compress-choice': 'compress',
  zc: 'compress',
  'compress-level': 'compress',
  zl: 'compress',
  'new-compress': 'compress',
  'old-compress': 'compress',
}

const SPELLINGS: readonly Spelling[] = OPTIONS.flatMap((spec): Spelling[] => [
  { long: spec.long, short: spec.short ?? null },
  ...(spec.aliases ?? []).map((long) => ({ long, short: null })),
  ...(spec.off ?? []).map((name) => ({ long: `no-${name}`, short: null })),
])

export type Refusals = ReadonlySet<string>

/** @param glob wildcards as in names of files */
export function parseRefusals(
  text: string,
  glob: (pattern: string) => (name: string) => boolean,
): Refusals {
  const refused = new Set(REFUSED_FIRST)
  for (const word of text.split(/\s+/).filter((w) => w !== '')) {
    const isAccepted = word.startsWith('!')
    const pattern = isAccepted ? word.slice(1) : word
    const isWild = /[*?[]/.test(pattern)
    const matches = isWild ? glob(pattern) : (name: string): boolean => name === pattern
    const named = SPELLINGS.filter(
      ({ long, short }) =>
        (matches(long) || (short !== null && matches(short))) && !(isWild && VITAL.has(long)),
    ).map(({ long }) => long)
    const isArchive = !isWild && named.includes('archive')
    for (const long of isArchive ? [...named, ...ARCHIVE] : named) {
      if (isAccepted) refused.delete(long)
      else refused.add(long)
    }
  }
  return new Set([...refused, ...REFUSED_EVER])
}

/**
 * The first option among a client's arguments that is refused, in words for the client; null: all are taken.
 * @param args what stands before `.` is looked at
 */
export function refusedOption(args: readonly string[], refused: Refusals): string | null {
  const isSender = args.includes('--sender')
  for (const spelling of optionsIn(args)) {
    const { long } = spelling
    const implied = IMPLIES[long] ?? (isSender && long === 'remove-source-files' ? 'delete' : long)
    if (long === 'daemon') return 'Attempt to hack rsync thwarted!'
    const hit = [long, implied].find((name) => refused.has(name))
    if (hit !== undefined) return `The server is configured to refuse ${described(hit)}`
  }
  return null
}

function described(long: string): string {
  const short = SPELLINGS.find((spelling) => spelling.long === long)?.short ?? null
  return `${long === short ? '' : `--${long} `}${short === null ? '' : `(-${short})`}`.trimEnd()
}

/** Does one of the arguments say that a second list of them follows? */
export function isSecluded(args: readonly string[]): boolean {
  let secluded = false
  for (const { long } of optionsIn(args))
    if (long === 'secluded-args' || long === 'protect-args') secluded = true
  return secluded
}

/** Options as they are spelled; what is none is for the parser of the server's arguments to tell. */
function* optionsIn(args: readonly string[]): Generator<Spelling> {
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? ''
    if (word === '.') return
    if (word.startsWith('--')) {
      const [long = ''] = word.slice(2).split('=', 1)
      const spelling = LONG.get(long)
      if (spelling !== undefined) yield spelling
      if (TAKES_VALUE.has(long) && !word.includes('=')) at++
      continue
    }
    if (!word.startsWith('-')) continue
    for (let i = 1; i < word.length; i++) {
      const spelling = SHORT.get(word.charAt(i))
      if (spelling === undefined) continue
      yield spelling
      if (!TAKES_VALUE.has(spelling.long)) continue
      if (i + 1 === word.length) at++
      break
    }
  }
}

const LONG = new Map(SPELLINGS.map((spelling) => [spelling.long, spelling]))
const SHORT = new Map(
  SPELLINGS.flatMap((spelling) => (spelling.short === null ? [] : [[spelling.short, spelling]])),
)
const TAKES_VALUE: ReadonlySet<string> = new Set(
  OPTIONS.filter((spec) => spec.argument !== undefined).flatMap((spec) => [
    spec.long,
    ...(spec.aliases ?? []),
  ]),
)
