/**
 * The volunteers of several centres that answer under one name. Each has the whole table in its own memory and decides alone; what
 * changes in it is told to the others through a server, and what they tell is heard as if it were seen here. docs/decisions/0048.
 */
import { hexOf } from '../base/bytes.js'
import { messageOf, PrsyncError } from '../base/errors.js'
import type { Log } from '../host.js'
import { openSharedBus, type SharedBus } from '../io/shared-bus.js'
import type { Enrolled } from '../mirror/enrolment.js'
import {
  formatNews,
  formatRosterNews,
  MOST_SENT,
  type News,
  parseNews,
  parseRosterNews,
  type RosterNews,
  type Sent,
} from '../mirror/front-news.js'
import type { Evidence } from '../mirror/health.js'
import type { ReleaseRef } from '../mirror/release.js'
import type {
  Have,
  Join,
  Keeps,
  Load,
  Lost,
  VolunteerMessage,
} from '../mirror/volunteer-messages.js'
import type { TableHost } from './placing.js'
import { Volunteers, type VolunteersParts } from './volunteer-table.js'

/** Redirects are told together, so often. */
const FLUSH_MS = 100

export type SharingParts = {
  /** `redis://host:6379` */
  readonly url: string
  /** Of what is shared: the fingerprint of the centres' key. */
  readonly name: string
  /** What names the current snapshot of a module, the same at each centre that sees it alike; null: none. */
  readonly snapshotOf: (module: string) => string | null
  readonly log: Log
}

type Channel = {
  readonly key: Uint8Array
  readonly join: Join
  load: Load | null
  /** With a quota, what it was told to hold. */
  keeps: Keeps | null
}

export class SharedVolunteers extends Volunteers {
  readonly #sharing: SharingParts
  readonly #own: VolunteersParts
  /** Of this run. */
  readonly #id: string
  #bus: SharedBus | null = null
  /** What is said now was heard: it is not told again. */
  #isHearing = false
  /** When each entry of the roster was changed, as far as we know. */
  readonly #changedMs = new Map<string, number>()
  /** Volunteers on channels here, and those of others. */
  readonly #here = new Map<string, Channel>()
  readonly #elsewhere = new Map<string, object>()
  #sent: Sent[] = []

  /** @throws as `Volunteers` */
  constructor(parts: VolunteersParts, sharing: SharingParts) {
    super({ ...parts, onEnrolled: (name, enrolled) => this.#enrolled(name, enrolled) })
    this.#own = parts
    this.#sharing = sharing
    this.#id = hexOf(parts.random.bytes(8))
  }

  /** Talks with the others until the signal, whether the server is there or not. */
  async keep(signal: AbortSignal): Promise<void> {
    const { url, name, log } = this.#sharing
    const events = {
      heard: (text: string): void => this.#attempt(() => this.#heard(text)),
      connected: (fields: ReadonlyMap<string, string>): void => {
        this.#attempt(() => this.#merge(fields))
        this.#tell({ type: 'hello' })
        this.#tellAll()
      },
    }
    const bus = await openSharedBus(url, name, events, log)
    this.#bus = bus
    try {
      for (;;) {
        await this.#own.clock.sleep(FLUSH_MS, signal)
        const redirects = this.#sent
        this.#sent = []
        for (let at = 0; at < redirects.length; at += MOST_SENT)
          this.#tell({ type: 'sent', redirects: redirects.slice(at, at + MOST_SENT) })
      }
    } finally {
      this.#bus = null
      bus.close()
    }
  }

  // ---- what happens here is told ------------------------------------------------------------------

  override saw(name: string, evidence: Evidence): void {
    super.saw(name, evidence)
    this.#tell({ type: 'saw', name, evidence })
  }

  override sent(name: string, bytes: number, takesMs: number): void {
    if (this.#bus !== null) this.#sent.push({ name, bytes, takesMs })
  }

  override join(key: Uint8Array, join: Join, channel: object): ReturnType<Volunteers['join']> {
    const done = super.join(key, join, channel)
    if (this.#isHearing || typeof done === 'string') return done
    // tokens are between it and us
    this.#here.set(done.name, { key, join: { ...join, token: null }, load: null, keeps: null })
    this.#elsewhere.delete(done.name)
    this.#tellWord(done.name, { ...join, token: null })
    return done
  }
  override loaded(name: string, load: Load, channel: object): boolean {
    const isIts = super.loaded(name, load, channel)
    const here = this.#here.get(name)
    if (this.#isHearing || !isIts || here === undefined) return isIts
    here.load = load
    // the join too: who came since knows nothing of it
    this.#tellOf(name, here)
    return isIts
  }
  /** A volunteer is told what to hold by the centre on whose channel it is, and by no other. */
  override get hosts(): readonly TableHost[] {
    return super.hosts.filter(({ name }) => this.#here.has(name))
  }
  override limit(name: string, releases: readonly ReleaseRef[]): void {
    super.limit(name, releases)
    const here = this.#here.get(name)
    if (here === undefined) return
    here.keeps = { type: 'keeps', releases }
    this.#tellWord(name, here.keeps)
  }
  override has(name: string, have: Have, channel: object): void {
    super.has(name, have, channel)
    this.#tellWord(name, have)
  }
  override lost(name: string, lost: Lost, channel: object): void {
    super.lost(name, lost, channel)
    this.#tellWord(name, lost)
  }
  override left(name: string, channel: object): void {
    super.left(name, channel)
    if (this.#isHearing || !this.#here.delete(name)) return
    this.#tell({ type: 'left', name })
  }

  #enrolled(name: string, enrolled: Enrolled | null): void {
    if (this.#isHearing) return
    const news = { name, atMs: this.#own.clock.now(), enrolled }
    this.#changedMs.set(name, news.atMs)
    this.#keep(news)
  }

  /** With the server, and to all. */
  #keep(news: RosterNews): void {
    this.#bus?.keep(news.name, formatRosterNews(news))
    this.#tell({ type: 'roster', ...news })
  }

  #tellWord(name: string, word: VolunteerMessage): void {
    if (!this.#here.has(name)) return
    const told = word.type === 'load' ? word.modules : word.type === 'keeps' ? word.releases : []
    const snapshots = new Map<string, string>()
    for (const { module } of told) {
      const snapshot = this.#sharing.snapshotOf(module)
      if (snapshot !== null) snapshots.set(module, snapshot)
    }
    this.#tell({ type: 'word', name, word, snapshots: Object.fromEntries(snapshots) })
  }

  #tellOf(name: string, { join, load, keeps }: Channel): void {
    this.#tellWord(name, join)
    if (load !== null) this.#tellWord(name, load)
    // again each time: another centre may have come to the same snapshot since
    if (keeps !== null) this.#tellWord(name, keeps)
  }
  #tellAll(): void {
    for (const [name, here] of this.#here) {
      this.#tellOf(name, here)
      for (const have of this.haves(name)) this.#tellWord(name, have)
    }
  }

  #tell(news: News): void {
    if (!this.#isHearing) this.#bus?.tell(formatNews(this.#id, news))
  }

  // ---- what others tell ---------------------------------------------------------------------------

  #heard(text: string): void {
    const { from, news } = parseNews(text)
    if (from === this.#id) return
    switch (news.type) {
      case 'hello':
        return this.#tellAll()
      case 'roster':
        return this.#adopt(news)
      case 'word':
        return this.#hear(() => this.#word(news))
      case 'left': {
        const channel = this.#elsewhere.get(news.name)
        if (channel !== undefined) this.#hear(() => super.left(news.name, channel))
        return
      }
      case 'saw':
        return this.#hear(() => super.saw(news.name, news.evidence))
      case 'sent': {
        const nowMs = this.#own.clock.now()
        for (const { name, bytes, takesMs } of news.redirects)
          this.known(name)?.volunteer.ledger.redirect(bytes, takesMs, nowMs)
      }
    }
  }

  /** Who is on a channel here speaks for itself. */
  #word({ name, word, snapshots }: Extract<News, { type: 'word' }>): void {
    if (this.#here.has(name)) return
    if (word.type === 'join') return this.#joinElsewhere(name, word)
    const channel = this.#elsewhere.get(name)
    if (channel === undefined) return
    // numbers of snapshots mean the same where the snapshots are the same
    const isSame = ({ module }: { readonly module: string }): boolean =>
      snapshots[module] !== undefined && snapshots[module] === this.#sharing.snapshotOf(module)
    if (word.type === 'load')
      super.loaded(name, { ...word, modules: word.modules.filter(isSame) }, channel)
    else if (word.type === 'keeps') super.limit(name, word.releases.filter(isSame))
    else if (word.type === 'have') super.has(name, word, channel)
    else if (word.type === 'lost') super.lost(name, word, channel)
  }

  #joinElsewhere(name: string, join: Join): void {
    const key = this.enrolled(name)?.key
    if (key == null || this.#elsewhere.has(name)) return
    const channel = {}
    const done = super.join(Buffer.from(key, 'hex'), join, channel)
    if (typeof done !== 'string') this.#elsewhere.set(done.name, channel)
  }

  /** The latest change of an entry counts. */
  #adopt({ name, atMs, enrolled }: RosterNews): void {
    if (atMs <= (this.#changedMs.get(name) ?? 0)) return
    this.#changedMs.set(name, atMs)
    this.#hear(() => this.adopt(name, enrolled))
    if (enrolled === null) this.#elsewhere.delete(name)
  }

  /** What the server has, and what it has not: changes that were made while it was away. */
  #merge(fields: ReadonlyMap<string, string>): void {
    const theirs = new Map<string, number>()
    for (const text of fields.values()) {
      const news = parseRosterNews(text)
      theirs.set(news.name, news.atMs)
      this.#adopt(news)
    }
    const names = new Set([...this.roster.map(({ name }) => name), ...this.#changedMs.keys()])
    for (const name of names) {
      const atMs = this.#changedMs.get(name) ?? this.#own.clock.now()
      if (atMs <= (theirs.get(name) ?? 0)) continue
      this.#changedMs.set(name, atMs)
      this.#keep({ name, atMs, enrolled: this.enrolled(name) })
    }
  }

  #hear(what: () => void): void {
    this.#isHearing = true
    try {
      what()
    } finally {
      this.#isHearing = false
    }
  }

  /** Others may be of another version. */
  #attempt(what: () => void): void {
    try {
      what()
    } catch (error) {
      if (!(error instanceof PrsyncError)) throw error
      this.#sharing.log('shared.failed', { what: messageOf(error) })
    }
  }
}
