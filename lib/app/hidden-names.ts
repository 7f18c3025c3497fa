/** What of a module's tree its clients must not know of. Paths have one char per byte. */
import { type ByteName, byteName, ROOT_NAME } from '../base/byte-name.js'
import { isReadable, realPath } from '../io/operator.js'
import type { PublishedNames } from './published-names.js'

/** @param isFollowed what a link leads to, not the link @param isNamed the client asked for it by name, so that it may hear why not */
export type Hides = (path: string, isFollowed: boolean, isNamed: boolean) => boolean

/** Null: it is all to be seen. @param root of the module, without links */
export function hiddenNames(
  root: string,
  published: PublishedNames | null,
  readableOnly: boolean,
): Hides | null {
  if (published === null && !readableOnly) return null
  let last = { directory: '', real: '' }
  /** Where it really stands; a link is itself. */
  const standing = (path: string): string => {
    const slash = path.lastIndexOf('/')
    const directory = path.slice(0, slash)
    if (directory !== last.directory) last = { directory, real: realPath(directory || '/') }
    return `${last.real === '/' ? '' : last.real}${path.slice(slash)}`
  }
  return (path, isFollowed, isNamed) => {
    const isPublic = (): boolean => {
      const real = isFollowed ? realPath(path) : standing(path)
      const name = belowRoot(real, root)
      return name !== null && published?.has(name) !== false
    }
    return (
      !isPublic() || (readableOnly && !isNamed && !isReadable(isFollowed ? realPath(path) : path))
    )
  }
}

function belowRoot(path: string, root: string): ByteName | null {
  const plain = path.replace(/\/+\.?$/, '')
  if (plain === root || (plain === '' && root === '/')) return ROOT_NAME
  const top = root === '/' ? '/' : `${root}/`
  return plain.startsWith(top) ? byteName(plain.slice(top.length)) : null
}
