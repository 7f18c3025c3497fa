/** The rest of a server's words, which came past the remote shell: each ends in a NUL, an empty one ends them. rsync(1) --secluded-args. */
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Options } from '../options/options.js'
import type { LineLink } from '../rsync/line-link.js'
import { fromWire, openWireCharset } from './wire-charset.js'

export { LineLink } from '../rsync/line-link.js'

/** The first word is a program's name, and is left out. @param options with --iconv among them: words are UTF-8 then @throws {WireError} */
export async function readSecluded(
  link: LineLink,
  options: Options,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const charset = await openWireCharset(options, process.env)
  const words: string[] = []
  while (words.length < LIMITS.secludedWords) {
    const word = await link.until(0, LIMITS.messageTextBytes, signal)
    if (word === null) throw new WireError('the words for the server have no end')
    if (word === '') return words.slice(1)
    words.push(fromWire(charset, word))
  }
  throw new WireError('too many words for the server')
}
