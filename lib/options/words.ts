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

export type DebugWord = keyof typeof DEBUG

/** The highest level of each word, and the ones that -vv, -vvv, -vvvv and -vvvvv set; help for it. */
const DEBUG = {
  acl: [1, [0, 1, 1, 1], 'access control lists'],
  backup: [2, [0, 1, 1, 1], 'files that are kept aside'],
  bind: [1, [1, 1, 1, 1], 'sockets'],
  chdir: [1, [0, 0, 0, 1], 'directories that names are relative to'],
  connect: [2, [1, 2, 2, 2], 'connections'],
  cmd: [2, [1, 1, 2, 2], 'commands that are started'],
  del: [3, [1, 2, 3, 3], 'deletions'],
  deltasum: [4, [1, 2, 3, 4], 'blocks that were found'],
  dup: [1, [1, 1, 1, 1], 'names that came twice'],
  exit: [3, [0, 1, 2, 2], 'the end of the program'],
  filter: [3, [1, 2, 2, 2], 'rules that decided on a name; 2: files of rules'],
  flist: [4, [1, 2, 3, 4], 'the list of files; 2: its entries'],
  fuzzy: [2, [0, 1, 1, 2], 'files that are taken for earlier versions'],
  genr: [1, [0, 1, 1, 1], 'entries as the receiver looks at them'],
  hash: [1, [0, 0, 0, 1], 'tables in memory'],
  hlink: [3, [0, 0, 0, 1], 'further names of files'],
  iconv: [2, [1, 1, 2, 2], 'character sets'],
  io: [4, [0, 0, 0, 0], 'reads and writes of connections'],
  nstr: [1, [0, 0, 0, 0], 'what both ends of a connection can do'],
  own: [2, [0, 1, 2, 2], 'changes of owners; 2: owners that are mapped'],
  proto: [1, [0, 0, 1, 1], 'the protocol of a connection'],
  recv: [1, [0, 1, 1, 1], 'files as they take their place'],
  send: [1, [0, 1, 1, 1], 'files as they are read'],
  time: [2, [0, 1, 2, 2], 'times of directories'],
} as const satisfies Record<
  string,
  readonly [most: number, verbose: readonly [number, number, number, number], help: string]
>
const DEBUG_WORDS = Object.keys(DEBUG) as readonly DebugWord[]

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

/** @param asked the arguments of `--debug`, in their order @throws {UsageError} on a word that is none */
export function debugLevels(verbosity: number, asked: readonly string[]): Levels<DebugWord> {
  const levels = {} as Record<DebugWord, number>
  for (const word of DEBUG_WORDS)
    levels[word] = verbosity < 2 ? 0 : (DEBUG[word][1][Math.min(verbosity, 5) - 2] ?? 0)
  for (const [word, level] of asked.flatMap((text) => splitWords(text, DEBUG_WORDS, 'debug')))
    levels[word] = Math.min(level, DEBUG[word][0])
  return levels
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
  const row = (word: string, help: string, most: number): string =>
    `${word.toUpperCase().padEnd(10)} ${help} (most: ${most})`
  const rows =
    option === 'debug'
      ? DEBUG_WORDS.map((word) => row(word, DEBUG[word][2], DEBUG[word][0]))
      : INFO_WORDS.map((word) => row(word, INFO_HELP[word], INFO[word][0]))
  return `Words of --${option}, each with a level behind it: WORD or WORD1, WORD2; WORD0 silences it.

${rows.join('\n')}

ALL        all of them, as in all2
NONE       none of them
HELP       this list
${verbosityHelp(option)}`
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

function verbosityHelp(option: 'info' | 'debug'): string {
  const added = <Word extends string>(
    words: readonly Word[],
    at: Levels<Word>,
    below: Levels<Word>,
  ): string =>
    words
      .filter((word) => at[word] > below[word])
      .map((word) => word.toUpperCase() + (at[word] > 1 ? at[word] : ''))
      .join(',')
  const none = infoLevels(0, ['none'])
  const levels =
    option === 'info'
      ? [0, 1, 2].map((v) => [
          v,
          added(INFO_WORDS, infoLevels(v, []), v === 0 ? none : infoLevels(v - 1, [])),
        ])
      : [2, 3, 4, 5].map((v) => [v, added(DEBUG_WORDS, debugLevels(v, []), debugLevels(v - 1, []))])
  return `
What each level of -v brings:
${levels.map(([v, words]) => `${v}) ${words}`).join('\n')}
`
}
