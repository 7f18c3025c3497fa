/**
 * rsync's wildcards over strings of one char per byte: `?` and `*` stop at a slash, `**` does not, `[…]` is one byte
 * but never a slash, `\` takes the next byte as it is. rsync(1) PATTERN MATCHING RULES.
 */

export type Glob = (text: string) => boolean

const SLASH = 0x2f
// Steps of a compiled pattern: a char code, or one of these, or -10 - n for class n.
const ANY = -1
const STAR = -2
const STARS = -3
const NEVER = -4
const CLASS = -10

type Program = { readonly steps: Int32Array; readonly classes: readonly Uint8Array[] }

/** Compiles once; matching allocates nothing and takes no more than a product of the lengths for each `**`. */
export function compileGlob(pattern: string): Glob {
  const suffix = /^\*([^*?[\\/]+)$/.exec(pattern)?.[1]
  // The most common pattern of all, `*.o`.
  if (suffix !== undefined)
    return (text) => text.endsWith(suffix) && text.lastIndexOf('/', text.length - 1) < 0
  const program = compile(pattern)
  return (text) => run(program, text)
}

function compile(pattern: string): Program {
  const steps: number[] = []
  const classes: Uint8Array[] = []
  let i = 0
  while (i < pattern.length) {
    const char = pattern[i]
    if (char === '*') {
      const start = i
      while (pattern[i] === '*') i++
      steps.push(i - start > 1 ? STARS : STAR)
    } else if (char === '?') {
      steps.push(ANY)
      i++
    } else if (char === '[') {
      const set = new Uint8Array(256)
      i = parseClass(pattern, i + 1, set)
      if (i < 0) {
        // A class without an end matches nothing, and so does the pattern.
        steps.push(NEVER)
        break
      }
      steps.push(CLASS - classes.length)
      classes.push(set)
    } else {
      if (char === '\\' && i + 1 < pattern.length) i++
      steps.push(pattern.charCodeAt(i))
      i++
    }
  }
  return { steps: Int32Array.from(steps), classes }
}

/** Reads a class behind its `[` into `set`; returns where it ends, or -1 when it does not. */
function parseClass(pattern: string, start: number, set: Uint8Array): number {
  let i = start
  const negated = pattern[i] === '!' || pattern[i] === '^'
  if (negated) i++
  let previous = -1
  for (let first = true; ; first = false) {
    if (i >= pattern.length) return -1
    const char = pattern[i] ?? ''
    if (char === ']' && !first) break
    if (char === '[' && pattern[i + 1] === ':') {
      const end = addNamed(pattern, i + 2, set)
      if (end < 0) return -1
      if (end > 0) {
        previous = -1
        i = end
        continue
      }
    }
    if (char === '-' && previous >= 0 && i + 1 < pattern.length && pattern[i + 1] !== ']') {
      i++
      if (pattern[i] === '\\') i++
      if (i >= pattern.length) return -1
      for (let c = previous; c <= pattern.charCodeAt(i); c++) set[c] = 1
      previous = -1
      i++
      continue
    }
    if (char === '\\') i++
    if (i >= pattern.length) return -1
    previous = pattern.charCodeAt(i)
    set[previous] = 1
    i++
  }
  if (negated) for (let c = 0; c < 256; c++) set[c] = set[c] === 1 ? 0 : 1
  set[SLASH] = 0
  return i + 1
}

/** `[:name:]`: returns where it ends, 0 when it is no such thing, -1 when the name is none. */
function addNamed(pattern: string, start: number, set: Uint8Array): number {
  const end = pattern.indexOf(']', start)
  if (end < 0) return -1
  if (end === start || pattern[end - 1] !== ':') return 0
  const members = NAMED.get(pattern.slice(start, end - 1))
  if (members === undefined) return -1
  for (let c = 0; c < 128; c++) if (members.test(String.fromCharCode(c))) set[c] = 1
  return end + 1
}

const NAMED: ReadonlyMap<string, RegExp> = new Map([
  ['alnum', /[A-Za-z0-9]/],
  ['alpha', /[A-Za-z]/],
  ['blank', /[ \t]/],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what the class means
  ['cntrl', /[\x00-\x1f\x7f]/],
  ['digit', /[0-9]/],
  ['graph', /[\x21-\x7e]/],
  ['lower', /[a-z]/],
  ['print', /[\x20-\x7e]/],
  ['punct', /[!-/:-@[-`{-~]/],
  ['space', /[ \t\n\v\f\r]/],
  ['upper', /[A-Z]/],
  ['xdigit', /[0-9A-Fa-f]/],
])

/**
 * A failure goes back to the last `*`, which takes one byte more unless that is a slash, else to the last `**`.
 * Going back further cannot help: what stands before them matched as early as it could.
 */
function run({ steps, classes }: Program, text: string): boolean {
  let at = 0
  let step = 0
  let starStep = -1
  let starAt = 0
  let starsStep = -1
  let starsAt = 0
  for (;;) {
    const want = steps[step]
    if (want === STARS) {
      starsStep = ++step
      starsAt = at
      starStep = -1
      continue
    }
    if (want === STAR) {
      starStep = ++step
      starAt = at
      continue
    }
    if (want === undefined ? at === text.length : takes(want, text, at, classes)) {
      if (want === undefined) return true
      step++
      at++
    } else if (starStep >= 0 && starAt < text.length && text.charCodeAt(starAt) !== SLASH) {
      at = ++starAt
      step = starStep
    } else if (starsStep >= 0 && starsAt < text.length) {
      at = ++starsAt
      step = starsStep
      starStep = -1
    } else {
      return false
    }
  }
}
function takes(want: number, text: string, at: number, classes: readonly Uint8Array[]): boolean {
  if (at >= text.length) return false
  const char = text.charCodeAt(at)
  if (want >= 0) return char === want
  if (want === ANY) return char !== SLASH
  return want <= CLASS && classes[CLASS - want]?.[char] === 1
}
