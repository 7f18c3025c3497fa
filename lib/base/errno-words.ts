/** Errors of the system in the words that programs look for: those of strerror(3), and the number. */
import { codeOf, messageOf } from './errors.js'

const ERRNO_WORDS: ReadonlyMap<string, string> = new Map([
  ['EPERM', 'Operation not permitted (1)'],
  ['ENOENT', 'No such file or directory (2)'],
  ['EIO', 'Input/output error (5)'],
  ['EACCES', 'Permission denied (13)'],
  ['EBUSY', 'Device or resource busy (16)'],
  ['EEXIST', 'File exists (17)'],
  ['ENOTDIR', 'Not a directory (20)'],
  ['EISDIR', 'Is a directory (21)'],
  ['ENOSPC', 'No space left on device (28)'],
  ['EROFS', 'Read-only file system (30)'],
  ['EPIPE', 'Broken pipe (32)'],
  ['ENAMETOOLONG', 'File name too long (36)'],
  ['ENOTEMPTY', 'Directory not empty (39)'],
  ['ELOOP', 'Too many levels of symbolic links (40)'],
])
export function inWords(error: unknown): string {
  return ERRNO_WORDS.get(codeOf(error) ?? '') ?? messageOf(error)
}
