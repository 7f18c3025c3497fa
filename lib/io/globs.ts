/** The door of fast-glob: names in a directory that match patterns. Patterns and names are UTF-8; other names match nothing. */
import glob from 'fast-glob'
import { messageOf, UsageError } from '../base/errors.js'

/**
 * Names relative to `directory`, without `/` at the end; links are not followed.
 * @param patterns what to take; none: everything
 * @param ignore what to leave out of it; a directory that is left out is not entered
 * @throws {UsageError} on a pattern that is none
 */
export async function globNames(
  directory: string,
  patterns: readonly string[],
  ignore: readonly string[],
): Promise<readonly string[]> {
  try {
    return await glob(patterns.length === 0 ? ['**'] : [...patterns], {
      cwd: directory,
      ignore: [...ignore],
      dot: true,
      onlyFiles: false,
      followSymbolicLinks: false,
      // what cannot be read is told by the look at the tree itself
      suppressErrors: true,
    })
  } catch (cause) {
    throw new UsageError(`--publish or --ignore: ${messageOf(cause)}`, { cause })
  }
}
