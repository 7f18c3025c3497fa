/**
 * Which requests for files are sent to a volunteer, and to which: joins what the request tells, what was tried before and
 * `mirror/select.ts`. docs/decisions/0044.
 */
import type { HttpRequest } from '../base/http.js'
import { LIMITS } from '../base/limits.js'
import { addressOf } from '../bt/compact-peers.js'
import type { ContentId } from '../hash/root.js'
import type { Clock, Random } from '../host.js'
import { Attempts, MOST_HOPS } from '../mirror/attempts.js'
import { USUAL_RATE } from '../mirror/balance.js'
import { type Bounce, isGenuine, LACKS, parseBounce } from '../mirror/bounce.js'
import {
  type ClientClass,
  clientClassOf,
  isOfFewTries,
  isOfOneTry,
} from '../mirror/client-class.js'
import type { Evidence } from '../mirror/health.js'
import { type Key, keyOf, Lately } from '../mirror/lately.js'
import { type KeptHere, keptHere } from '../mirror/redirectable.js'
import {
  type Ask,
  type Centre,
  type Choice,
  expectedMs,
  explain,
  type HereReason,
  hasRoom,
  select,
  type Verdict,
} from '../mirror/select.js'
import type { Scheme, Volunteer } from '../mirror/volunteer.js'

/**
 * The query of the centre's own URL in metalinks and lists. Some clients begin there, as the centre was quick with the list, and are
 * sent to a volunteer like others; but once in a minute for a file, whatever ranges they ask for: then the centre gives it, if it has room.
 */
export const STAY = 'prsync-stay'
/** Who was given a list fetches the file within it, as a rule. */
const LISTED_MS = 600_000

/** Who volunteers, as of now. */
export type VolunteerTable = {
  readonly volunteers: readonly Volunteer[]
  readonly centre: Centre
  /** Does the volunteer in that slot have the file? */
  holds(wanted: Wanted): (slot: number) => boolean
  /** What its bounces are signed with; null: no such volunteer. */
  bounceKey(id: string): Uint8Array | null
  /** A client was sent there; its own ledger knows. */
  sent(id: string, bytes: number, takesMs: number): void
  /** What clients tell by coming back. */
  saw(id: string, evidence: Evidence): void
}

export type Wanted = {
  readonly module: string
  /** Below the module. */
  readonly name: string
  readonly content: ContentId
  /** The sequence in which this content came to this name. */
  readonly since: number
  /** The centre has its bytes just now. */
  readonly isHere: boolean
}

/** Why the centre answers itself. */
export type OwnReason =
  | KeptHere
  | HereReason
  | 'failed once'
  | 'failed twice'
  | 'bounced'
  | 'address unknown'
  | 'last of a list'
type Redirected = Extract<Choice, { kind: 'redirect' }>
export type Decision = Redirected | { readonly kind: 'here'; readonly reason: OwnReason }

export type Explanation = {
  readonly client: {
    readonly address: string
    readonly class: ClientClass
    readonly scheme: Scheme
    readonly oneTry: boolean
  }
  readonly decision: Decision
  readonly verdicts: readonly Verdict[]
}

export class RedirectDesk {
  readonly #table: VolunteerTable
  readonly #attempts = new Attempts()
  /** Who was given a list, of which file. */
  readonly #listed = new Lately(LIMITS.attempts, 1)
  readonly #clock: Clock
  readonly #origin: () => string
  readonly #onAsked: (wanted: Wanted) => void
  /** What all keys begin with. */
  readonly #seed: Key

  /**
   * @param origin what clients call the centre: nobody is sent from https to http, or the other way
   * @param onAsked hears of each whole file that is asked for
   */
  constructor(
    table: VolunteerTable,
    clock: Clock,
    random: Random,
    origin: () => string,
    onAsked: (wanted: Wanted) => void = () => {},
  ) {
    this.#table = table
    this.#clock = clock
    this.#origin = origin
    this.#onAsked = onAsked
    this.#seed = { high: random.below(2 ** 32), low: random.below(2 ** 32) }
  }

  get #scheme(): Scheme {
    return this.#origin().startsWith('https:') ? 'https' : 'http'
  }

  /** Decides, and remembers it. */
  decide(request: HttpRequest, wanted: Wanted): Decision {
    const nowMs = this.#clock.now()
    if (request.method === 'GET' && !request.headers.has('range')) this.#onAsked(wanted)
    const { decision, ask, keys } = this.#look(request, wanted, nowMs, true)
    if (decision.kind === 'here' || ask === null) return decision
    if (!stays(request) || !this.#isListed(fileKey(keys, wanted), nowMs))
      this.#account(decision, wanted, nowMs)
    this.#attempts.sent(keys.client, keys.request, decision.chosen.id, nowMs)
    // a volunteer that sends it back names the file alone
    if (stays(request)) {
      const plain = keysOf(this.#seed, request, '', wanted)
      this.#attempts.sent(plain.client, plain.request, decision.chosen.id, nowMs)
    }
    return decision
  }

  /** Volunteers for a client that chooses itself among them, the best first; the first is counted as if it were sent there. */
  list(request: HttpRequest, wanted: Wanted): readonly Volunteer[] {
    const nowMs = this.#clock.now()
    const { decision, keys } = this.#look(request, wanted, nowMs, false)
    if (decision.kind === 'here') return []
    const file = fileKey(keys, wanted)
    if (!this.#isListed(file, nowMs)) this.#account(decision, wanted, nowMs)
    this.#listed.add(this.#listed.claim(file), 0, nowMs)
    return [decision.chosen, ...decision.alternates]
  }

  /** What would be decided, and why; nothing is remembered. */
  explain(request: HttpRequest, wanted: Wanted): Explanation {
    const nowMs = this.#clock.now()
    const { decision, ask } = this.#look(request, wanted, nowMs, false)
    const { volunteers } = this.#table
    const verdicts =
      ask === null ? [] : explain(ask, volunteers, this.#centre(wanted), nowMs).verdicts
    const known = clientClassOf(request.headers.get('user-agent'))
    const client = {
      address: request.remote.address,
      class: known,
      scheme: this.#scheme,
      oneTry: isOfOneTry(known),
    }
    return { client, decision, verdicts }
  }

  #look(
    request: HttpRequest,
    wanted: Wanted,
    nowMs: number,
    counts: boolean,
  ): { decision: Decision; ask: Ask | null; keys: Keys } {
    const address = addressOf(request.remote.address)
    const keys = keysOf(this.#seed, request, request.query, wanted)
    const here = (reason: OwnReason, ask: Ask | null = null) =>
      ({ decision: { kind: 'here', reason }, ask, keys }) as const
    const kept = keptHere(wanted.name, wanted.content.length)
    if (kept !== null) return here(kept)
    if (address === null) return here('address unknown')
    const tried = this.#attempts.of(keys.request, nowMs)
    const bounce = parseBounce(request.query)
    // ranges that are asked for together are no second try
    if (counts && tried !== null && !stays(request))
      this.#report(keys, bounce, address, wanted, nowMs)
    const known = clientClassOf(request.headers.get('user-agent'))
    const oneTry = isOfOneTry(known)
    const before = this.#attempts.failed(keys.client, nowMs)
    const failed =
      tried === null && before.length === 0
        ? NOBODY
        : new Set([...(tried?.volunteers ?? []), ...before])
    const ask: Ask = {
      content: wanted.content,
      client: { address, scheme: this.#scheme, oneTry },
      holds: this.#table.holds(wanted),
      failed,
      last: this.#attempts.last(keys.client),
    }
    if (wanted.isHere) {
      if (stays(request) && tried !== null && hasRoom(this.#table.centre))
        return here('last of a list', ask)
      // Who is of one try was lucky to come back; and a bounce that we know nothing of may be the end of many.
      if (bounce !== null && (oneTry || tried === null)) return here('bounced', ask)
      if (failed.size >= MOST_HOPS) return here('failed twice', ask)
      if (failed.size > 0 && isOfFewTries(known)) return here('failed once', ask)
    }
    const choice = select(ask, this.#table.volunteers, this.#centre(wanted), nowMs)
    return { decision: choice, ask, keys }
  }

  /** It was counted where the list begins, wherever the client goes now. */
  #isListed(file: Key, nowMs: number): boolean {
    const row = this.#listed.find(file)
    return row >= 0 && nowMs - this.#listed.atMs(row) <= LISTED_MS
  }

  #account({ chosen, rate }: Redirected, { content }: Wanted, nowMs: number): void {
    const usual = this.#table.centre.usualRate ?? USUAL_RATE
    const takesMs = expectedMs(content.length, rate, usual)
    chosen.ledger.redirect(content.length, takesMs, nowMs)
    this.#table.sent(chosen.id, content.length, takesMs)
  }

  /** What the centre has not, it cannot give instead of a slow volunteer. */
  #centre({ isHere }: Wanted): Centre {
    const { centre } = this.#table
    return isHere ? centre : { ...centre, uplink: 0 }
  }

  /** A client that comes back tells on the last volunteer, once; what the volunteer says itself counts more. */
  #report(keys: Keys, bounce: Bounce | null, client: string, wanted: Wanted, nowMs: number): void {
    const volunteer = this.#attempts.blame(keys.client, keys.request, nowMs)
    if (volunteer === null) return
    if (bounce === null) this.#table.saw(volunteer, { kind: 'retry', client })
    else if (bounce.volunteer === volunteer && this.#isGenuine(bounce, wanted))
      this.#table.saw(volunteer, { kind: 'bounce', lacks: bounce.reason === LACKS })
  }

  #isGenuine(bounce: Bounce, { module, name }: Wanted): boolean {
    const key = this.#table.bounceKey(bounce.volunteer)
    return key !== null && isGenuine(key, bounce, `${module}/${name}`)
  }
}

const NOBODY: ReadonlySet<string> = new Set()

type Keys = { readonly client: Key; readonly request: Key }

/**
 * The same client, and the same that it asks once more. Another range or method is another request: clients that fetch in parts
 * ask for all of them at once.
 */
function keysOf(
  seed: Key,
  { method, headers, remote }: HttpRequest,
  query: string,
  { module, name }: Wanted,
): Keys {
  const client = keyOf(keyOf(seed, remote.address), headers.get('user-agent') ?? '')
  const what =
    query === STAY ? keyOf(client, STAY) : keyOf(keyOf(client, method), headers.get('range') ?? '')
  return { client, request: keyOf(keyOf(what, module), name) }
}

/** The client and the file, however it asks. */
function fileKey({ client }: Keys, { module, name }: Wanted): Key {
  return keyOf(keyOf(client, module), name)
}

function stays({ query }: HttpRequest): boolean {
  return query === STAY
}
