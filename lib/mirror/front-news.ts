/** What centres that share their volunteers tell each other: JSON, one object a message. docs/decisions/0048. */
import { WireError } from '../base/errors.js'
import {
  booleanAt,
  countAt,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  objectOf,
  parseObject,
  stringAt,
} from '../base/json.js'
import { type Enrolled, formatRoster, isVolunteerName, parseRoster } from './enrolment.js'
import type { Evidence } from './health.js'
import {
  formatVolunteerMessage,
  parseVolunteerMessage,
  type VolunteerMessage,
} from './volunteer-messages.js'

export type News =
  /** A centre came: who has volunteers on its channels tells of them again. */
  | { readonly type: 'hello' }
  /** Who is enrolled now. */
  | ({ readonly type: 'roster' } & RosterNews)
  /** What a volunteer said on its channel there. */
  | {
      readonly type: 'word'
      readonly name: string
      readonly word: VolunteerMessage
      /** Of the centre that was told, by module: `snapshots` of a centre that sees it otherwise are others. */
      readonly snapshots: Snapshots
    }
  /** Its channel there ended. */
  | { readonly type: 'left'; readonly name: string }
  | { readonly type: 'saw'; readonly name: string; readonly evidence: Evidence }
  | { readonly type: 'sent'; readonly redirects: readonly Sent[] }

export type RosterNews = {
  readonly name: string
  /** When it was changed, milliseconds since the epoch: the latest counts. */
  readonly atMs: number
  /** Null: removed. */
  readonly enrolled: Enrolled | null
}
export type Snapshots = Readonly<Record<string, string>>
/** A client was sent to a volunteer. */
export type Sent = { readonly name: string; readonly bytes: number; readonly takesMs: number }

/** Of one message. */
export const MOST_SENT = 1000

/** @param from whose it is: who hears its own passes it over */
export function formatNews(from: string, news: News): string {
  if (news.type === 'roster') return JSON.stringify({ from, ...plainRoster(news), type: news.type })
  if (news.type === 'word')
    return JSON.stringify({ from, ...news, word: formatVolunteerMessage(news.word) })
  return JSON.stringify({ from, ...news })
}

/** @throws {WireError} */
export function parseNews(text: string): { readonly from: string; readonly news: News } {
  const from = parseObject(text, 'news')
  return { from: stringAt(from, 'from'), news: newsOf(from) }
}

/** As it stays with the server. */
export function formatRosterNews(news: RosterNews): string {
  return JSON.stringify(plainRoster(news))
}
/** @throws {WireError} */
export function parseRosterNews(text: string): RosterNews {
  return rosterOf(parseObject(text, 'roster'))
}

function newsOf(from: JsonObject): News {
  const type = stringAt(from, 'type')
  switch (type) {
    case 'hello':
      return { type }
    case 'roster':
      return { type, ...rosterOf(from) }
    case 'word': {
      const word = parseVolunteerMessage(stringAt(from, 'word'))
      return { type, name: nameAt(from), word, snapshots: snapshotsOf(objectAt(from, 'snapshots')) }
    }
    case 'left':
      return { type, name: nameAt(from) }
    case 'saw':
      return { type, name: nameAt(from), evidence: evidenceOf(objectAt(from, 'evidence')) }
    case 'sent': {
      const redirects = listAt(from, 'redirects', MOST_SENT).map((value) => {
        const each = objectOf(value, 'redirects')
        const [bytes, takesMs] = [countAt(each, 'bytes'), numberAt(each, 'takesMs')]
        return { name: nameAt(each), bytes, takesMs }
      })
      return { type, redirects }
    }
    default:
      throw new WireError('of a kind that is not known', { at: 'news' })
  }
}

function plainRoster({ name, atMs, enrolled }: RosterNews): object {
  return { name, atMs, enrolled: enrolled === null ? null : formatRoster([enrolled]) }
}
function rosterOf(from: JsonObject): RosterNews {
  const [name, atMs] = [nameAt(from), countAt(from, 'atMs')]
  if (from['enrolled'] === null) return { name, atMs, enrolled: null }
  const [enrolled] = parseRoster(stringAt(from, 'enrolled'))
  if (enrolled?.name !== name) throw new WireError('another name', { at: 'roster' })
  return { name, atMs, enrolled }
}

function nameAt(from: JsonObject): string {
  const name = stringAt(from, 'name')
  if (!isVolunteerName(name)) throw new WireError('not a name', { at: 'news' })
  return name
}

function snapshotsOf(from: JsonObject): Snapshots {
  return Object.fromEntries(Object.keys(from).map((module) => [module, stringAt(from, module)]))
}

function evidenceOf(from: JsonObject): Evidence {
  const kind = stringAt(from, 'kind')
  switch (kind) {
    case 'bounce':
      return { kind, lacks: booleanAt(from, 'lacks') }
    case 'probe':
    case 'audit':
      return { kind, ok: booleanAt(from, 'ok'), what: stringAt(from, 'what') }
    case 'retry':
      return { kind, client: stringAt(from, 'client') }
    case 'drain':
      return { kind, begins: booleanAt(from, 'begins') }
    case 'quarantine':
      return { kind, why: stringAt(from, 'why') }
    case 'presence':
    case 'release':
      return { kind }
    default:
      throw new WireError('evidence of a kind that is not known', { at: 'news' })
  }
}
