/**
 * rsyncd.conf: text → globals and modules. rsyncd.conf(5); texts are one char per byte. Files that it includes are asked for: this
 * stays pure. `%VAR%` in texts is left for later, when the variables of the connection are there.
 */
import { UsageError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { booleanOf, type Parameter, parameterOf } from './conf-table.js'

/** What was said, by the parameter's name; what was not has its initial value. */
export type Values = ReadonlyMap<string, string>

export type Conf = {
  /** With the defaults for modules that stand at the end of the file. */
  readonly globals: Values
  /** In their order. */
  readonly modules: ReadonlyMap<string, Values>
  /** What was passed over, for the log. */
  readonly notices: readonly string[]
}

export type ConfSource = {
  /** @throws {UsageError} */
  read(path: string): string
  /** The names in a directory; null: it is a file. @throws {UsageError} where there is neither */
  list(path: string): readonly string[] | null
  /** Variables for what is not a text. */
  readonly env: Environment
}
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * @param overrides `--dparam`: `name=value`, as if they stood where the globals end
 * @throws {UsageError} with file and line
 */
export function readConf(path: string, overrides: readonly string[], source: ConfSource): Conf {
  const reader = new ConfReader(source, overrides)
  reader.file(path, 1)
  return reader.done()
}

class ConfReader {
  readonly #source: ConfSource
  readonly #overrides: readonly string[]
  #globals = new Map<string, string>()
  readonly #modules = new Map<string, Map<string, string>>()
  readonly #notices: string[] = []
  /** The module that parameters belong to; null: the globals. */
  #module: Map<string, string> | null = null
  #areGlobalsOver = false
  #lines = 0

  constructor(source: ConfSource, overrides: readonly string[]) {
    this.#source = source
    this.#overrides = overrides
  }

  done(): Conf {
    this.#endGlobals()
    return { globals: this.#globals, modules: this.#modules, notices: this.#notices }
  }

  file(path: string, depth: number): void {
    if (depth > LIMITS.confDepth)
      throw new UsageError(`${path}: files include each other too deeply`)
    for (const { text, line } of logicalLines(this.#source.read(path))) {
      if (++this.#lines > LIMITS.confLines)
        throw new UsageError(`${path}: more than ${LIMITS.confLines} lines`)
      this.#line(text, `${path}:${line}`, depth)
    }
  }

  #line(text: string, at: string, depth: number): void {
    if (text.startsWith('[')) return this.#section(text, at)
    const directive = /^&(\S+)\s+(.+)$/s.exec(text)
    if (directive !== null)
      return this.#directive(directive[1] ?? '', directive[2] ?? '', at, depth)
    const equals = text.indexOf('=')
    if (equals < 0) {
      this.#notices.push(`${at}: ignoring badly formed line in config file: ${text}`)
      return
    }
    const name = text.slice(0, equals).trim()
    if (name === '') throw new UsageError(`${at}: invalid parameter name in config file`)
    this.#parameter(name, text.slice(equals + 1).trim(), at)
  }

  #section(text: string, at: string): void {
    const end = text.indexOf(']')
    if (end < 0) throw new UsageError(`${at}: badly formed line in config file: ${text}`)
    const name = text.slice(1, end).trim().replace(/\s+/g, ' ')
    if (name === '') throw new UsageError(`${at}: empty section name in config file`)
    if (name.includes('/'))
      throw new UsageError(`${at}: invalid section name in config file: ${name}`)
    this.#endGlobals()
    if (name.toLowerCase() === 'global') {
      this.#module = null
      return
    }
    const known = this.#modules.get(name)
    this.#module = known ?? new Map(this.#globals)
    if (known === undefined) this.#modules.set(name, this.#module)
  }

  #endGlobals(): void {
    if (this.#areGlobalsOver) return
    this.#areGlobalsOver = true
    for (const said of this.#overrides) {
      const equals = said.indexOf('=')
      const name = said.slice(0, equals)
      if (equals < 0 || parameterOf(name) === null)
        throw new UsageError(`--dparam=${said}: not a parameter of the configuration`)
      this.#parameter(name, said.slice(equals + 1), '--dparam')
    }
  }

  #directive(name: string, path: string, at: string, depth: number): void {
    if (name !== 'include' && name !== 'merge')
      throw new UsageError(`${at}: unknown directive: &${name}`)
    const names = this.#source.list(path)
    const suffix = name === 'include' ? '.conf' : '.inc'
    const files =
      names === null
        ? [path]
        : names
            .filter((file) => file.endsWith(suffix))
            .sort()
            .map((file) => `${path.replace(/\/*$/, '')}/${file}`)
    for (const file of files) {
      if (name === 'merge') this.file(file, depth + 1)
      else this.#apart(() => this.file(file, depth + 1))
    }
  }

  /** What an included file says of globals and defaults is forgotten after it; it begins among them. */
  #apart(read: () => void): void {
    const before = { globals: this.#globals, module: this.#module }
    this.#globals = new Map(before.globals)
    this.#module = null
    read()
    this.#globals = before.globals
    this.#module = before.module
  }

  #parameter(name: string, value: string, at: string): void {
    const parameter = parameterOf(name)
    if (parameter === null) {
      this.#notices.push(`${at}: ignoring unknown parameter "${name}"`)
      return
    }
    if (parameter.scope === 'global' && this.#module !== null) {
      this.#notices.push(`${at}: global parameter ${name} found in module section`)
      return
    }
    const meant = parameter.kind === 'text' ? value : expand(value, this.#source.env)
    const why = faultOf(parameter, meant)
    if (why !== null) this.#notices.push(`${at}: ${why}`)
    else (this.#module ?? this.#globals).set(parameter.name, meant)
  }
}

/** Why a value is passed over, as rsync passes it over; null: it is not. */
function faultOf(parameter: Parameter, value: string): string | null {
  const isUnset = parameter.kind === 'unset' && /^(unset|-1)$/i.test(value)
  if (parameter.kind === 'boolean' || (parameter.kind === 'unset' && !isUnset))
    return booleanOf(value) === null
      ? `badly formed boolean for ${parameter.name}: "${value}"`
      : null
  if (parameter.kind === 'number' && !/^[-+]?\d{1,9}$/.test(value))
    return `badly formed number for ${parameter.name}: "${value}"`
  return null
}

/** Lines without comments and empty ones; one that ends in a backslash goes on in the next. */
function* logicalLines(text: string): Generator<{ readonly text: string; readonly line: number }> {
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1
    let whole = (lines[at] ?? '').replace(/\r$/, '')
    if (/^\s*([#;]|$)/.test(whole)) continue
    while (whole.endsWith('\\') && at + 1 < lines.length)
      whole = whole.slice(0, -1) + (lines[++at] ?? '').replace(/\r$/, '')
    yield { text: whole.trim(), line }
  }
}

/** `%VAR%` of variables that there are; anything else stays as it is, `%%` as well. */
export function expand(text: string, env: Environment): string {
  let out = ''
  for (let at = 0; at < text.length; ) {
    const end = text.charAt(at) === '%' ? text.indexOf('%', at + 1) : -1
    const value = end < 0 ? undefined : variable(env, text.slice(at + 1, end))
    out += value ?? text.charAt(at)
    at = value === undefined ? at + 1 : end + 1
  }
  return out
}
function variable(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined
}

/** What is said of a parameter, or meant by silence, with the variables of the connection in it. */
export function textOf(values: Values, name: string, env: Environment): string {
  const raw = rawOf(values, name)
  return parameterOf(name)?.kind === 'text' ? expand(raw, env) : raw
}
/** The same with its variables as they are written. */
export function rawOf(values: Values, name: string): string {
  const parameter = parameterOf(name)
  if (parameter === null) throw new TypeError(`no parameter ${name}`)
  return values.get(parameter.name) ?? parameter.initial
}
export function numberOf(values: Values, name: string): number {
  return Number(textOf(values, name, {}))
}
export function flagOf(values: Values, name: string): boolean {
  return booleanOf(textOf(values, name, {})) ?? false
}
/** Null: unset. */
export function maybeOf(values: Values, name: string): boolean | null {
  return booleanOf(textOf(values, name, {}))
}

/** A list of words: at white space and commas, or at commas alone where it begins with one. */
export function wordsOf(text: string): readonly string[] {
  const splitter = text.startsWith(',') ? /,/ : /[\s,]+/
  return text
    .split(splitter)
    .map((word) => word.trim())
    .filter((word) => word !== '')
}
