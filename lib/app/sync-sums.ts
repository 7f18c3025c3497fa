/** Sums of files for `%C` of --out-format and --log-file-format: by the sum that --checksum-choice names for whole files. */
import { codeOf } from '../base/errors.js'
import { type ChecksumName, noSum, openChecksum, shownSum } from '../hash/checksum.js'
import type { FileAt } from '../io/equal-files.js'
import { fileSum } from '../io/file-sum.js'
import type { Options } from '../options/options.js'

export { noSum, shownSum }

export type FileSums = {
  /** In hex; as many spaces or zeros where it is `none` of a file, or not known. */
  of(file: FileAt): string
  readonly width: number
}

export async function openFileSums(options: Options): Promise<FileSums> {
  const name = sumNamed(options.checksumChoice?.split(',').at(-1) ?? 'auto')
  const sum = await openChecksum(name, 0)
  const { length: width } = noSum(name)
  return {
    width,
    of: (file) => {
      try {
        if (options.dryRun) return '0'.repeat(width)
        return shownSum(name, fileSum(file, sum))
      } catch (error) {
        // Who copies it tells why it cannot be read.
        if (codeOf(error) === undefined) throw error
        return noSum(name)
      }
    },
  }
}

function sumNamed(choice: string): ChecksumName {
  switch (choice) {
    case 'xxh3':
    case 'xxh64':
    case 'md5':
    case 'md4':
    case 'sha1':
    case 'none':
      return choice
    case 'xxhash':
      return 'xxh64'
    default:
      return 'xxh128'
  }
}
