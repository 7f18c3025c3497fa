/**
 * The daemon's half of its dialogue, from the greeting to the arguments. prsync-protocol(7), daemon. It knows neither files nor
 * the configuration: what it needs to know it asks of a desk. Texts are one char per byte.
 */
import { ProtocolError, TimeoutError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { AUTH_DIGESTS, type AuthDigest } from '../hash/auth-digest.js'
import type { Clock } from '../host.js'
import { isSecluded } from '../options/refuse.js'
import { unquoteArgument } from '../options/remote.js'
import {
  agreedDigest,
  agreedProtocol,
  formatDaemonLine,
  formatGreeting,
  formatModule,
  type Greeting,
  type Login,
  NEWEST_PROTOCOL,
  parseClientLine,
  parseGreeting,
  parseLogin,
} from '../wire/greeting.js'
import { type Access, isStrongEnough, type LoginAnswer } from './daemon-auth.js'
import type { LineLink } from './line-link.js'
import { pathsInModule } from './module-paths.js'

/** Where the dialogue asks. M: what stands for a module there. */
export type DaemonDesk<M> = {
  /** Who it is, for the log: its name and address. */
  readonly client: string
  /** The message of the day; null: there is none. */
  readonly motd: string | null
  modules(): readonly { readonly name: string; readonly comment: string }[]
  choose(name: string): Promise<Choice<M>>
  challenge(digest: AuthDigest): string
  judge(module: M, login: Login, challenge: string, digest: AuthDigest): LoginAnswer
  /** The client may come in: is all there that the module needs? Null, or what the client is told. */
  enter(module: M, visit: Visit): Promise<string | null>
  log(line: string): void
}

export type Choice<M> =
  | { readonly kind: 'refused'; readonly text: string }
  | { readonly kind: 'open'; readonly module: M; readonly terms: EntryTerms }

export type EntryTerms = {
  readonly name: string
  readonly needsLogin: boolean
  /** `auth digest`. */
  readonly digestFloor: string
  /** Seconds; 0: none. */
  readonly timeout: number
}

export type Visit = {
  /** Empty: nobody had to say. */
  readonly user: string
  readonly access: Access
  readonly earlyInput: Uint8Array | null
}

export type DaemonRequest<M> = Visit & {
  readonly module: M
  readonly protocol: number
  /** Options as the client meant them, `.`, and paths within the module. */
  readonly argv: readonly string[]
  /** The paths as they came. */
  readonly asked: readonly string[]
}

/**
 * Speaks with a client until it is known what it wants.
 * @returns null where that is nothing more: a listing, a refusal, a client that left or that broke the rules
 */
export async function receiveClient<M>(
  link: LineLink,
  desk: DaemonDesk<M>,
  clock: Clock,
  signal: AbortSignal,
): Promise<DaemonRequest<M> | null> {
  try {
    const admitted = await within(clock, LIMITS.daemonDialogueMs, signal, (inner) =>
      new Dialogue(link, desk, inner).admit(),
    )
    if (admitted === null) return null
    const { terms, ...rest } = admitted
    const ms = Math.min(
      LIMITS.daemonDialogueMs,
      terms.timeout > 0 ? terms.timeout * 1000 : LIMITS.daemonDialogueMs,
    )
    const words = await within(clock, ms, signal, (inner) =>
      readArguments(link, rest.protocol, inner),
    )
    return words === null ? null : { ...rest, ...requestOf(words, terms.name) }
  } catch (error) {
    if (!(error instanceof WireError || error instanceof TimeoutError)) throw error
    desk.log(error.message)
    return null
  }
}

type Admitted<M> = Visit & {
  readonly module: M
  readonly protocol: number
  readonly terms: EntryTerms
}

class Dialogue<M> {
  readonly #link: LineLink
  readonly #desk: DaemonDesk<M>
  readonly #signal: AbortSignal

  constructor(link: LineLink, desk: DaemonDesk<M>, signal: AbortSignal) {
    this.#link = link
    this.#desk = desk
    this.#signal = signal
  }

  async admit(): Promise<Admitted<M> | null> {
    const { motd } = this.#desk
    const welcome = motd === null ? '' : `${motd}\n`
    await this.#say(`${formatGreeting(NEWEST_PROTOCOL)}\n${welcome}`)
    const hello = await this.#greeting()
    if (hello === null) return null
    const { greeting, protocol } = hello
    const asked = await this.#module()
    if (asked === null) return null
    const choice = await this.#desk.choose(asked.name)
    if (choice.kind === 'refused') return this.#refuse(choice.text)
    const { module, terms } = choice
    const who = terms.needsLogin
      ? await this.#login(module, terms, greeting, protocol)
      : { user: '', access: null }
    if (who === null) return null
    const visit = { ...who, earlyInput: asked.earlyInput }
    const trouble = await this.#desk.enter(module, visit)
    if (trouble !== null) return this.#refuse(trouble)
    await this.#say(`${formatDaemonLine({ kind: 'ok' })}\n`)
    return { ...visit, module, protocol, terms }
  }

  async #greeting(): Promise<{ greeting: Greeting; protocol: number } | null> {
    const line = await this.#line()
    if (line === null) return null
    try {
      const greeting = parseGreeting(line)
      if (greeting.omits !== null)
        return this.#refuse(`your client omitted the ${greeting.omits}: ${line}`)
      return { greeting, protocol: agreedProtocol(NEWEST_PROTOCOL, greeting) }
    } catch (error) {
      if (!(error instanceof WireError || error instanceof ProtocolError)) throw error
      return this.#refuse(error.message)
    }
  }

  async #module(): Promise<{ name: string; earlyInput: Uint8Array | null } | null> {
    let earlyInput: Uint8Array | null = null
    for (;;) {
      const line = await this.#line()
      if (line === null) return null
      const asked = this.#understood(line)
      switch (asked.kind) {
        case 'list':
          await this.#list()
          return null
        case 'module':
          return { name: asked.name, earlyInput }
        case 'early-input':
          if (earlyInput !== null) return this.#refuse('early_input twice')
          earlyInput = await this.#link.exactly(asked.length, this.#signal)
          if (earlyInput === null) return null
          break
        case 'unknown':
          return this.#refuse(`Unknown command '${asked.text}'`)
        case 'wrong':
          return this.#refuse(asked.why)
      }
    }
  }

  #understood(
    line: string,
  ): ReturnType<typeof parseClientLine> | { readonly kind: 'wrong'; readonly why: string } {
    try {
      return parseClientLine(line)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      return { kind: 'wrong', why: error.message }
    }
  }

  async #list(): Promise<void> {
    const lines = this.#desk
      .modules()
      .map(({ name, comment }) => `${formatModule(name, comment)}\n`)
    await this.#say(`${lines.join('')}${formatDaemonLine({ kind: 'exit' })}\n`)
  }

  async #login(
    module: M,
    terms: EntryTerms,
    greeting: Greeting,
    protocol: number,
  ): Promise<{ user: string; access: Access } | null> {
    const digest = agreedDigest(greeting, protocol)
    if (digest === null)
      return this.#refuse(
        `your client does not support one of our daemon-auth checksums: ${AUTH_DIGESTS.join(' ')}`,
      )
    const failed = (who: string, why: string): Promise<null> => {
      this.#desk.log(`auth failed on module ${terms.name} from ${this.#desk.client}${who}: ${why}`)
      return this.#refuse(`auth failed on module ${terms.name}`)
    }
    if (!isStrongEnough(digest, terms.digestFloor))
      return failed('', `auth digest ${digest} is weaker than ${terms.digestFloor}`)
    const challenge = this.#desk.challenge(digest)
    await this.#say(`${formatDaemonLine({ kind: 'challenge', challenge })}\n`)
    const line = await this.#line()
    if (line === null) return null
    const login = parseLogin(line)
    if (login === null) return failed('', 'invalid challenge response')
    const answer = this.#desk.judge(module, login, challenge, digest)
    if (answer.kind === 'out') return failed(` for ${login.user}`, answer.why)
    return { user: login.user, access: answer.access }
  }

  #line(): Promise<string | null> {
    return this.#link.line(LIMITS.daemonLineBytes, this.#signal)
  }
  #say(text: string): Promise<void> {
    return this.#link.say(text, this.#signal)
  }
  async #refuse(why: string): Promise<null> {
    await this.#say(`@ERROR: ${why}\n`)
    return null
  }
}

type Words = { readonly shown: readonly string[]; readonly hidden: readonly string[] | null }

async function readArguments(
  link: LineLink,
  protocol: number,
  signal: AbortSignal,
): Promise<Words | null> {
  const budget = { words: LIMITS.daemonArguments, bytes: LIMITS.daemonArgumentBytes }
  const shown = await readWords(link, protocol >= 30 ? 0 : 10, budget, signal)
  if (shown === null) return null
  if (!isSecluded(shown)) return { shown, hidden: null }
  const hidden = await readWords(link, 0, budget, signal)
  return hidden === null ? null : { shown, hidden: hidden.slice(1) }
}

async function readWords(
  link: LineLink,
  end: number,
  budget: { words: number; bytes: number },
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const words: string[] = []
  for (;;) {
    const word = await link.until(end, budget.bytes, signal)
    if (word === null) return null
    if (word === '') return words
    if (word.includes('\0')) throw new WireError('an argument with a NUL byte')
    if (--budget.words < 0) throw new WireError(`more than ${LIMITS.daemonArguments} arguments`)
    budget.bytes -= word.length
    words.push(word)
  }
}

function requestOf(
  { shown, hidden }: Words,
  module: string,
): { readonly argv: readonly string[]; readonly asked: readonly string[] } {
  const dot = shown.indexOf('.')
  const quoted = dot < 0 ? shown : shown.slice(0, dot)
  const all = [
    ...quoted.map(unquoteArgument),
    ...(dot < 0 ? [] : shown.slice(dot)),
    ...(hidden ?? []),
  ]
  const end = all.indexOf('.')
  if (end < 0) return { argv: all, asked: [] }
  const asked = all.slice(end + 1)
  const paths = pathsInModule(asked, module, hidden !== null)
  return { argv: [...all.slice(0, end + 1), ...paths], asked }
}

/** @throws {TimeoutError} where the work is not done in time */
async function within<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const scope = new AbortController()
  const stop = (): void => scope.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const timer = clock.sleep(ms, scope.signal).then(
    () =>
      scope.abort(new TimeoutError(`the client took more than ${ms / 1000} seconds to come in`)),
    () => {}, // the work was done before
  )
  try {
    return await work(scope.signal)
  } finally {
    signal.removeEventListener('abort', stop)
    scope.abort()
    await timer
  }
}
