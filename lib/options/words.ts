/** The words of `--info` and `--debug`, and what each `-v` adds to them. rsync(1) --info, --debug. */
import { UsageError } from '../base/errors.js'

export type InfoWord =
  | 'backup'
  | 'copy'
  | 'del'
  | 'flist'
  | 'misc'
  | 'mount'
  | 'name'
  | 'nonreg'
  | 'progress'
  | 'remove'
  | 'skip'
  | 'stats'
  | 'symsafe'
export type Levels<Word extends string> = Readonly<Record<Word, number>>

/** The highest level of each word, and the one at which `-v` levels set it: [most, at -v0, at -v1, at -v2]. */
const INFO: Readonly<Record<InfoWord, readonly [number, number, number, number]>> = {
  backup: [1, 0, 0, 1],
  copy: [1, 0, 1, 1],
  del: [1, 0, 1, 1],
  flist: [2, 0, 1, 1],
  misc: [2, 0, 1, 2],
  mount: [1, 0, 0, 1],
  name: [2, 0, 1, 2],
  nonreg: [1, 1, 1, 1],
  progress: [2, 0, 0, 0],
  remove: [1, 0, 0, 1],
  skip: [2, 0, 0, 1],
  stats: [3, 0, 1, 1],
  symsafe: [1, 0, 1, 1],
}
const INFO_WORDS = Object.keys(INFO) as readonly InfoWord[]

const DEBUG_WORDS =
  'acl backup bind chdir connect cmd del deltasum dup exit filter flist fuzzy genr hash hlink iconv io nstr own proto recv send time'.split(
    ' ',
  )

/** @param asked the arguments of `--info`, in their order @throws {UsageError} on a word that is none */
export function infoLevels(verbosity: number, asked: readonly string[]): Levels<InfoWord> {
  const levels = { ...INFO } as unknown as Record<InfoWord, number>
  for (const word of INFO_WORDS) {
    const [, v0, v1, v2] = INFO[word]
    levels[word] = verbosity >= 2 ? v2 : verbosity === 1 ? v1 : v0
  }
  for (const [word, level] of asked.flatMap((text) => splitWords(text, INFO_WORDS, 'info')))
    levels[word] = Math.min(level, INFO[word][0])
  return levels
}

const HIGHEST = 4

/** What was asked by name, in the order of the words: for the other side of a connection, whose words may go further. */
export function askedInfo(asked: readonly string[]): ReadonlyMap<InfoWord, number> {
  const levels = new Map(asked.flatMap((text) => splitWords(text, INFO_WORDS, 'info')))
  return new Map(
    INFO_WORDS.flatMap((word) => {
      const level = levels.get(word)
      return level === undefined ? [] : [[word, Math.min(level, HIGHEST)] as const]
    }),
  )
}

/** What a side has to tell of. */
const TOLD_BY: Readonly<Record<'sender' | 'receiver', readonly InfoWord[]>> = {
  receiver: INFO_WORDS.filter((word) => !['flist', 'progress', 'remove'].includes(word)),
  sender: ['misc', 'mount', 'name', 'remove', 'stats', 'symsafe'],
}
/** Where all words of a side are asked for, one level that this many have is that of ALL, and the others are told beside it. */
const MANY = 5

/** The value of `--info` for a server that is this side; null: nothing to say. */
export function formatAskedInfo(
  asked: ReadonlyMap<InfoWord, number>,
  side: 'sender' | 'receiver',
): string | null {
  const told = TOLD_BY[side].flatMap((word) => {
    const level = asked.get(word)
    return level === undefined ? [] : [{ word, level }]
  })
  const common = told.length === TOLD_BY[side].length ? commonLevel(told.map((t) => t.level)) : null
  const all = common === null ? [] : [common === 0 ? 'NONE' : spelled('ALL', common)]
  const rest = told.filter((t) => t.level !== common).map((t) => spelled(t.word, t.level))
  const words = [...all, ...rest]
  return words.length === 0 ? null : words.join(',')
}

function spelled(word: string, level: number): string {
  return `${word.toUpperCase()}${level === 1 ? '' : level}`
}

function commonLevel(levels: readonly number[]): number | null {
  const counts = [0, 1, 2, 3, HIGHEST].map((level) => levels.filter((l) => l === level).length)
  const most = Math.max(...counts)
  return most < MANY ? null : counts.indexOf(most)
}

/** Only checks: what goes on inside is not told word by word. @throws {UsageError} */
export function checkDebugWords(asked: readonly string[]): void {
  for (const text of asked) splitWords(text, DEBUG_WORDS, 'debug')
}

function splitWords<Word extends string>(
  text: string,
  words: readonly Word[],
  option: string,
): [Word, number][] {
  const found: [Word, number][] = []
  for (const item of text.split(',').filter((one) => one !== '')) {
    const match = /^([a-z]+)(\d*)$/i.exec(item)
    const name = match?.[1]?.toLowerCase() ?? ''
    const level = match?.[2] === '' ? 1 : Number(match?.[2])
    if (name === 'all' || name === 'none')
      for (const word of words) found.push([word, name === 'none' ? 0 : level])
    else {
      const word = words.find((one) => one === name)
      if (word === undefined) throw new UsageError(`Unknown --${option} item: "${item}"`)
      found.push([word, level])
    }
  }
  return found
}

/** `--info=help`, `--debug=help`: the words, and what each `-v` brings. */
export function wordsHelp(option: 'info' | 'debug'): string {
  const rows =
    option === 'debug'
      ? DEBUG_WORDS.map((word) => word.toUpperCase())
      : INFO_WORDS.map(
          (word) => `${word.toUpperCase().padEnd(10)} ${INFO_HELP[word]} (most: ${INFO[word][0]})`,
        )
  return `Words of --${option}, each with a level behind it: WORD or WORD1, WORD2; WORD0 silences it.

${rows.join('\n')}

ALL        all of them, as in all2
NONE       none of them
HELP       this list
${option === 'info' ? verbosityHelp() : '\nThey are understood; what goes on inside a local copy is not told.\n'}`
}

const INFO_HELP: Readonly<Record<InfoWord, string>> = {
  backup: 'files that are kept aside',
  copy: 'files that are copied at the receiving side',
  del: 'what is deleted',
  flist: 'the list of files',
  misc: 'other things',
  mount: 'mount points that are left out',
  name: 'names of what changes; 2: of all',
  nonreg: 'devices and links that are left out',
  progress: '1: each file as it comes; 2: the whole',
  remove: 'files removed at the source',
  skip: 'files that options leave alone',
  stats: 'figures at the end',
  symsafe: 'links that lead out of the tree',
}

function verbosityHelp(): string {
  const levels = [0, 1, 2].map((verbosity) => {
    const at = infoLevels(verbosity, [])
    const below = verbosity === 0 ? null : infoLevels(verbosity - 1, [])
    const added = INFO_WORDS.filter((word) => at[word] > (below?.[word] ?? 0))
    return `${verbosity}) ${added.map((w) => w.toUpperCase() + (at[w] > 1 ? at[w] : '')).join(',')}`
  })
  return `
What each level of -v brings:
${levels.join('\n')}
`
}
