/** Where entries of another machine come from: nothing can be looked at there. */
import { FileError } from '../base/errors.js'
import type { SourceTree } from './trees.js'

function refuse(): never {
  throw new FileError('a file of another machine cannot be opened here')
}

export const REMOTE_TREE: SourceTree = {
  path: '',
  forThreads: { fd: -1, followsLinks: false },
  list: () => null,
  kinds: () => null,
  stat: () => null,
  statFollowing: () => null,
  readlink: refuse,
  atimeNs: () => 0n,
  xattrs: () => [],
  openFile: refuse,
  closeFile: refuse,
  remove: refuse,
  removeDirectory: refuse,
}
