/** Small text files that options name: filter rules, one char per byte. */
import { readFileSync } from 'node:fs'
import { messageOf, UsageError } from '../base/errors.js'

/** `-` is standard input. @throws {UsageError} */
export function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'latin1')
  } catch (cause) {
    throw new UsageError(`cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}
