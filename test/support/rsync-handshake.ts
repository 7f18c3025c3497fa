/** What stands before the file list of a recorded session: a daemon's dialogue, arguments, names that are agreed on, frames. */
import assert from 'node:assert/strict'
import { type Cursor, joined } from '../../lib/base/bytes.js'
import type { ChecksumName } from '../../lib/hash/checksum.js'
import { readVstring } from '../../lib/wire/ints.js'
import { COMPAT, type CompressorName } from '../../lib/wire/terms.js'

export type Arguments = {
  readonly letters: string
  readonly words: readonly string[]
  readonly has: (word: string) => boolean
}

export function readDialogue(toServer: Cursor, toClient: Cursor): { words: string[] } {
  let needsAnswer = false
  for (let line = ''; line !== '@RSYNCD: OK'; line = lineOf(toClient, 10))
    needsAnswer ||= line.startsWith('@RSYNCD: AUTHREQD')
  for (let i = needsAnswer ? 3 : 2; i > 0; i--) lineOf(toServer, 10)
  const words = readWords(toServer)
  // With -s the rest comes apart, behind a name of the program.
  return { words: words.includes('.') ? words : [...words, ...readWords(toServer).slice(1)] }
}
function readWords(c: Cursor): string[] {
  const words: string[] = []
  for (let word = lineOf(c, 0); word !== ''; word = lineOf(c, 0)) words.push(word)
  return words
}
function lineOf(c: Cursor, end: number): string {
  const at = c.bytes.indexOf(end, c.pos)
  const line = c.latin1(at - c.pos)
  c.u8()
  return line
}

export function argumentsOf(words: readonly string[]): Arguments {
  const known = words.slice(0, words.indexOf('.'))
  const letters = known
    .filter((word) => /^-[^-B]/.test(word))
    .join('')
    .replace(/e[^-]*\.[^-]*/, '')
  return {
    letters,
    words: known,
    has: (word) => known.some((known) => known === word || known.startsWith(`${word}=`)),
  }
}
function choiceOf({ words }: Arguments, word: string): string | null {
  return words.find((known) => known.startsWith(`${word}=`))?.slice(word.length + 1) ?? null
}

export function negotiated(
  args: Arguments,
  protocol: number,
  compat: number,
  toServer: Cursor,
  toClient: Cursor,
): { checksum: ChecksumName; compressor: CompressorName | null } {
  let checksum: ChecksumName = protocol < 30 ? 'md4-old' : 'md5'
  const isAsked = args.letters.includes('z')
  const chosen = args.has('--old-compress')
    ? 'zlib'
    : args.has('--new-compress')
      ? 'zlibx'
      : choiceOf(args, '--compress-choice')
  let compressor: CompressorName | null = compressorOf(chosen ?? (isAsked ? 'zlib' : ''))
  if (compat & COMPAT.varFlags) {
    const best = (): string => {
      const theirs = readVstring(toServer).split(' ')
      const ours = readVstring(toClient).split(' ')
      return theirs.find((name) => ours.includes(name)) ?? ''
    }
    assert.equal(best(), 'xxh128')
    checksum = 'xxh128'
    if (isAsked && chosen === null) compressor = compressorOf(best())
  }
  return { checksum, compressor }
}
function compressorOf(name: string): CompressorName | null {
  return name === 'zstd' || name === 'lz4' || name === 'zlibx' || name === 'zlib' ? name : null
}

/** The data of all frames to come. */
export function unframed(c: Cursor): Uint8Array {
  const parts: Uint8Array[] = []
  while (c.left > 0) {
    const head = c.u32le()
    const bytes = c.view(head & 0xffffff)
    if (head >>> 24 === 7) parts.push(bytes)
  }
  return joined(parts)
}
