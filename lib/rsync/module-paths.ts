/** The paths of a request, `module/path`, as names in the module. prsync-protocol(7), daemon. Texts are one char per byte. */

/** @param isSecluded the second list of --secluded-args never holds two paths in one word */
export function pathsInModule(
  words: readonly string[],
  module: string,
  isSecluded: boolean,
): readonly string[] {
  return words.flatMap((word) => {
    // Very old clients write all their paths as one word.
    const parts = isSecluded ? [word] : word.split(` ${module}/`)
    return parts.map((part) => contained(part === module ? '' : stripped(part, module)))
  })
}

function stripped(word: string, module: string): string {
  return word.startsWith(`${module}/`) ? word.slice(module.length + 1) : word
}

/** Without `..` and leading slashes: nothing names what is above the module. `/./`, which -R needs, stays. */
export function contained(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || (part === '.' && parts.length === 0)) continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === '.') parts.pop()
  }
  if (parts.length === 0) return '.'
  const isDirectory = /(^|\/)(\.\.)?$/.test(path)
  return parts.join('/') + (isDirectory ? '/' : '')
}
