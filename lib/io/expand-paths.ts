/** Paths with wildcards, as a daemon's client writes them: there is no shell to expand them. One char per byte. */
import { readdirSync } from 'node:fs'
import { kindOfPath } from './operator.js'

/** Below the working directory. What matches nothing stays as it is, without its backslashes. */
export function expandPath(
  path: string,
  glob: (pattern: string) => (name: string) => boolean,
  isShown: (path: string) => boolean,
): readonly string[] {
  let found: readonly string[] = ['']
  for (const part of path.split(/(?<=\/)/)) {
    const name = part.replace(/\/$/, '')
    const tail = part.slice(name.length)
    if (!/[*?[]/.test(name.replace(/\\./g, ''))) {
      found = found.map((head) => head + unescaped(name) + tail)
      continue
    }
    const matches = glob(name)
    const hidden = name.startsWith('.')
    found = found.flatMap((head) =>
      namesIn(head)
        .filter(
          (each) => (hidden || !each.startsWith('.')) && matches(each) && isShown(head + each),
        )
        // A slash behind a name is that of a directory, or of a link to one.
        .filter((each) => tail === '' || kindOfPath(head + each) === 'directory')
        .map((each) => head + each + tail),
    )
  }
  return found.length === 0 ? [unescaped(path)] : found
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(Buffer.from(directory || '.', 'latin1'), { encoding: 'latin1' }).sort()
  } catch {
    // Nothing matches in what cannot be listed.
    return []
  }
}
function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, '$1')
}
