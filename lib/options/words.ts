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
  for (const item of text.split(',')) {
    const match = /^([a-z]+)(\d*)$/i.exec(item)
    const name = match?.[1]?.toLowerCase() ?? ''
    const level = match?.[2] === '' ? 1 : Number(match?.[2])
    if (name === 'all' || name === 'none')
      for (const word of words) found.push([word, name === 'none' ? 0 : level])
    else {
      const word = words.find((one) => one === name)
      if (word === undefined) throw new UsageError(`unknown --${option} item: "${item}"`)
      found.push([word, level])
    }
  }
  return found
}
