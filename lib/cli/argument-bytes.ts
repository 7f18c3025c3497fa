/** The bytes of the program's arguments, one char per byte: names need not be UTF-8, which is all that Node can read. */
import { readFileSync } from 'node:fs'

const REPLACED = '\uFFFD'

/** @param argv as Node has them: the last of what the process was started with */
export function argumentBytes(argv: readonly string[]): readonly string[] {
  if (argv.some((word) => word.includes(REPLACED))) {
    const words = startedWith()
    if (words !== null && words.length >= argv.length) return words.slice(-argv.length)
  }
  return argv.map((word) => Buffer.from(word, 'utf8').toString('latin1'))
}

/** proc_pid_cmdline(5); null where there is no such file. */
function startedWith(): readonly string[] | null {
  try {
    return readFileSync('/proc/self/cmdline', 'latin1').replace(/\0$/, '').split('\0')
  } catch {
    // Then what Node made of them has to do.
    return null
  }
}
