/** What a file is called while it is built: `.NAME.XXXXXX`, as rsync has it, so that its filters and cleaners know it. */
import { threadId } from 'node:worker_threads'

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const COUNT = LETTERS.length ** 6
/** Bytes of a name that are kept: the dots and letters come to it. */
const KEPT = 255 - 8

let serial = 0

/** Six letters that no other call gives, in any thread. */
function letters(): string {
  let rest = (process.pid * 65_537 + threadId * 40_503_001 + serial++ * 2_654_435_761) % COUNT
  let text = ''
  for (let i = 0; i < 6; i++) {
    text += LETTERS.charAt(rest % LETTERS.length)
    rest = Math.floor(rest / LETTERS.length)
  }
  return text
}

/** @param base the last component of the name it will have */
export function temporaryBase(base: string): string {
  return `.${(base.startsWith('.') ? base.slice(1) : base).slice(0, KEPT)}.${letters()}`
}
