/** `--chmod`: changes of permissions as text → a function of mode and kind. rsync(1) --chmod, chmod(1). */
import { UsageError } from '../base/errors.js'

type Change = {
  /** Only directories, only others, or both. */
  readonly only: 'directories' | 'files' | null
  apply(mode: number, isDirectory: boolean): number
}

/** What `--chmod` makes of permission bits. */
export type Chmod = (mode: number, isDirectory: boolean) => number

/** @param umask for changes that name nobody: `+w` @throws {UsageError} */
export function parseChmod(texts: readonly string[], umask: number): Chmod | null {
  const changes = texts.flatMap((text) => text.split(',').map((part) => parseChange(part, umask)))
  if (changes.length === 0) return null
  return (mode, isDirectory) => {
    let bits = mode
    for (const { only, apply } of changes)
      if (only === null || (only === 'directories') === isDirectory) bits = apply(bits, isDirectory)
    return bits
  }
}

const WHO: Readonly<Record<string, number>> = { u: 0o100, g: 0o010, o: 0o001 }

function parseChange(text: string, umask: number): Change {
  const match = /^([DF]?)(?:([0-7]{1,4})|([ugoa]*)([-+=])([rwxXstugo]*))$/.exec(text)
  if (match === null) throw new UsageError(`Invalid argument passed to --chmod (${text})`)
  const [, scope, octal, who = '', operator = '', what = ''] = match
  const only = scope === 'D' ? 'directories' : scope === 'F' ? 'files' : null
  if (octal !== undefined) {
    const bits = Number.parseInt(octal, 8)
    return { only, apply: () => bits }
  }
  return { only, apply: symbolic(who, operator, what, umask) }
}

/** The special bits of classes: setuid, setgid, sticky. */
const specialOf = (classes: number): number =>
  (classes & 0o100 ? 0o4000 : 0) | (classes & 0o010 ? 0o2000 : 0) | (classes & 0o001 ? 0o1000 : 0)

function symbolic(who: string, operator: string, what: string, umask: number): Change['apply'] {
  const everybody = who === '' || who.includes('a')
  // One bit for each class that is meant: 0o111 is all of them.
  const classes = everybody
    ? 0o111
    : [...who].reduce((bits, letter) => bits | (WHO[letter] ?? 0), 0)
  const masked = who === '' ? umask : 0
  return (mode, isDirectory) => {
    let rwx = 0
    let special = 0
    for (const letter of what) {
      if (letter === 'r') rwx |= 4
      else if (letter === 'w') rwx |= 2
      else if (letter === 'x') rwx |= 1
      else if (letter === 'X') rwx |= isDirectory || (mode & 0o111) !== 0 ? 1 : 0
      else if (letter === 's')
        special |= (classes & 0o100 ? 0o4000 : 0) | (classes & 0o010 ? 0o2000 : 0)
      else if (letter === 't') special |= 0o1000
      else rwx |= (mode / (WHO[letter] ?? 1)) & 7
    }
    const bits = ((rwx * classes) & ~masked) | special
    if (operator === '+') return mode | bits
    if (operator === '-') return mode & ~bits
    // As in rsync, setuid, setgid and sticky stay where they are not named, but not where a class is copied.
    const copied = /[ugo]/.test(what) ? specialOf(classes) : 0
    return (mode & ~((7 * classes) | copied)) | bits
  }
}
