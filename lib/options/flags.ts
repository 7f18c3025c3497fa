/** What stands on a command line, asked by option: the last that was said, how often, its text or number. */
import { UsageError } from '../base/errors.js'
import { parseRate, parseSize } from './units.js'

/** One option as it was written. */
export type Flag = {
  /** The long name of its row in the table. */
  readonly name: string
  /** False: `--no-…`. */
  readonly on: boolean
  readonly value: string | null
}

export class Flags {
  readonly all: readonly Flag[]
  constructor(all: readonly Flag[]) {
    this.all = all
  }

  /** The last that was said of these decides: `-a --no-p`, `--no-p -a`. */
  last(names: readonly string[]): boolean {
    return this.lastOf(names)?.on ?? false
  }
  lastOf(names: readonly string[]): Flag | undefined {
    return this.all.findLast((f) => names.includes(f.name))
  }
  /** @param implying an option that switches on what these are, and off only itself */
  lastButOff(names: readonly string[], implying: string): boolean {
    const counted = this.all.filter((f) => names.includes(f.name) && (f.on || f.name !== implying))
    return counted.at(-1)?.on ?? false
  }
  /** Null: neither was said. */
  either(name: string): boolean | null {
    return this.lastOf([name])?.on ?? null
  }
  on(name: string, otherwise = false): boolean {
    return this.lastOf([name])?.on ?? otherwise
  }
  said(name: string): boolean {
    return this.all.some((f) => f.name === name)
  }
  /** How often, since it was last switched off. */
  count(name: string): number {
    let count = 0
    for (const flag of this.all) if (flag.name === name) count = flag.on ? count + 1 : 0
    return count
  }
  text(name: string): string | null {
    const flag = this.lastOf([name])
    return flag === undefined || !flag.on ? null : flag.value
  }
  texts(name: string): string[] {
    return this.all.filter((f) => f.name === name && f.on).map((f) => f.value ?? '')
  }

  /** Bytes. An empty one is 0, as scripts with an unset variable have it. */
  size(name: string): number | null {
    const text = this.text(name)
    return text === null || text === '' ? asZero(text) : parseSize(text, `--${name}`)
  }
  /** Bytes a second; 0: no limit. */
  rate(name: string): number {
    const text = this.text(name)
    return text === null || text === '' ? 0 : parseRate(text, `--${name}`)
  }
  /** Decimal, `0x…`, or octal behind a 0, within 32 bits. */
  integer(name: string): number | null {
    let value: number | null = null
    // Each of them is looked at, though the last one counts.
    for (const flag of this.all)
      if (flag.name === name) value = flag.on ? parseInteger(flag.value ?? '', name) : null
    return value
  }
}

function asZero(text: string | null): number | null {
  return text === null ? null : 0
}

function parseInteger(text: string, name: string): number {
  if (text === '') return 0
  const match = /^\s*([-+]?)(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.exec(text)
  if (match === null) throw new UsageError(`--${name}=${text}: invalid numeric value`)
  const digits = match[2] ?? ''
  const size = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
  const value = match[1] === '-' ? -size : size
  if (value < -(2 ** 31) || value >= 2 ** 31)
    throw new UsageError(`--${name}=${text}: number too large or too small`)
  return value
}
