/**
 * The centre as its volunteers' client: asks each at its public URL for a random range of a file that it should have, at once when it
 * came and about once a minute. What the answers tell is `mirror/audit.ts`, what comes of it `mirror/health.ts`.
 */
import { FileError, PrsyncError } from '../base/errors.js'
import { together } from '../base/together.js'
import { sizeOf } from '../flist/entry.js'
import { type Root, rootOf } from '../hash/root.js'
import type { Clock, Random } from '../host.js'
import { HttpClient, type HttpReply } from '../io/http-client.js'
import {
  type AuditAsk,
  auditBytes,
  auditOffset,
  judged,
  nextAuditMs,
  wrongLeaf,
} from '../mirror/audit.js'
import { validatorsOf } from '../mirror/file-headers.js'
import type { Evidence } from '../mirror/health.js'
import { keptHere } from '../mirror/redirectable.js'
import type { Volunteer } from '../mirror/volunteer.js'
import type { ServedModule } from './module.js'
import type { Wanted } from './redirect-desk.js'
import { encodePath } from './url-path.js'

/** Asked at once, and how often each asker looks whether one is due. */
const ASKERS = 4
const LOOK_MS = 100
/** A client waits no longer. */
const PATIENCE_MS = 15_000
/** Files that are drawn until the volunteer should have one. */
const DRAWS = 64
/** One that has nothing to be asked for yet is looked at again. */
const NOTHING_MS = 500
/** Not ours: a volunteer that gives audits the right bytes, and clients others, should find it hard to tell them apart. */
const USER_AGENT = 'curl/7.88.1'

export type Audited = {
  readonly volunteer: Volunteer
  /** Another each time that it comes. */
  readonly channel: object
}
export type AuditedTable = {
  readonly audited: readonly Audited[]
  holds(wanted: Wanted): (slot: number) => boolean
  saw(name: string, evidence: Evidence): void
}

export type AuditParts = {
  readonly table: AuditedTable
  readonly modules: ReadonlyMap<string, ServedModule>
  /** What clients call the centre. */
  readonly origin: () => string
  readonly clock: Clock
  readonly random: Random
}

type Turn = { readonly dueMs: number; readonly failures: number }
type Drawn = {
  readonly module: ServedModule
  readonly root: Root
  readonly path: string
  readonly ask: AuditAsk
}

export class Audits {
  readonly #parts: AuditParts
  readonly #client = new HttpClient(USER_AGENT, ASKERS)
  readonly #turns = new WeakMap<object, Turn>()
  readonly #running = new Set<object>()

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  /** Until the signal; rejects with its reason, and with defects of ours alone. */
  async keep(signal: AbortSignal): Promise<void> {
    try {
      await together(
        signal,
        ...Array.from({ length: ASKERS }, () => async (inner: AbortSignal) => {
          for (;;) {
            await this.#next(inner)
            await this.#parts.clock.sleep(LOOK_MS, inner)
          }
        }),
      )
    } finally {
      this.#client.close()
    }
  }

  async #next(signal: AbortSignal): Promise<void> {
    const due = this.#due()
    if (due === null) return
    const { volunteer, channel } = due
    const drawn = this.#draw(volunteer)
    const nowMs = this.#parts.clock.monotonic()
    if (drawn === null) {
      this.#turns.set(channel, { dueMs: nowMs + NOTHING_MS, failures: 0 })
      return
    }
    this.#running.add(channel)
    try {
      const evidence = await this.#evidence(volunteer, drawn, signal)
      if (evidence !== null) this.#parts.table.saw(volunteer.id, evidence)
      this.#plan(channel, evidence)
    } finally {
      this.#running.delete(channel)
    }
  }

  /** Whose turn it is; null: nobody's. Who has just come is asked at once. */
  #due(): Audited | null {
    const nowMs = this.#parts.clock.monotonic()
    const isDue = ({ channel }: Audited): boolean =>
      !this.#running.has(channel) && (this.#turns.get(channel)?.dueMs ?? nowMs) <= nowMs
    return this.#parts.table.audited.find(isDue) ?? null
  }

  #plan(channel: object, evidence: Evidence | null): void {
    const failures =
      evidence === null || isBad(evidence) ? (this.#turns.get(channel)?.failures ?? 0) + 1 : 0
    const dueMs = this.#parts.clock.monotonic() + nextAuditMs(failures, this.#drawn())
    this.#turns.set(channel, { dueMs, failures })
  }

  /** A range of a file that clients may be sent for there; null: none was found, as where it has nothing yet. */
  #draw({ slot }: Volunteer): Drawn | null {
    const { modules, table, random, origin } = this.#parts
    const all = [...modules.values()]
    for (let draw = 0; draw < DRAWS && all.length > 0; draw++) {
      const module = all[random.below(all.length)]
      if (module === undefined) continue
      const { store } = module
      const root = store.leaves.firstFrom(rootOf(random.bytes(32))) ?? store.leaves.firstFrom(FIRST)
      if (root === null) continue
      for (const { name } of store.places.of(root)) {
        const entry = module.entry(name)
        if (entry?.kind !== 'file' || entry.content?.root !== root) continue
        const { content, since } = entry
        const size = sizeOf(entry)
        const leaves = store.leaves.of(root)
        const wanted = { module: module.name, name, content, since, isHere: true }
        if (leaves === null || keptHere(name, size) !== null || !table.holds(wanted)(slot)) continue
        const { etag } = validatorsOf({ size, mtimeMs: Number(entry.mtimeNs / 1_000_000n) })
        const offset = auditOffset(size, this.#drawn())
        const path = `${module.name}/${encodePath(name)}`
        const ask = { what: path, length: size, offset, leaves, etag, centre: `${origin()}/` }
        return { module, root, path, ask }
      }
    }
    return null
  }

  /** Null: it tells nothing, as when the file was replaced here meanwhile. */
  async #evidence(
    { baseUrl }: Volunteer,
    drawn: Drawn,
    signal: AbortSignal,
  ): Promise<Evidence | null> {
    const { module, path, ask } = drawn
    const before = module.digest
    const url = new URL(`${baseUrl}/${path}`)
    const patience = AbortSignal.timeout(PATIENCE_MS)
    try {
      const end = ask.offset + auditBytes(ask)
      const headers = { range: `bytes=${ask.offset}-${end - 1}`, connection: 'close' }
      const either = AbortSignal.any([signal, patience])
      const reply = await this.#client.ask(url, { headers }, either)
      const bytes = await beginningOf(reply, auditBytes(ask))
      const header = (name: string): string | null => reply.headers.get(name) ?? null
      const evidence = judged(ask, {
        status: reply.status,
        bytes,
        ...{ etag: header('etag'), location: header('location') },
        contentRange: header('content-range'),
      })
      if (!isBad(evidence)) return evidence
      // replaced here meanwhile, or damaged here: then it is not the volunteer's fault
      return module.digest === before && (await areWeRight(drawn)) ? evidence : null
    } catch (error) {
      signal.throwIfAborted()
      if (patience.aborted)
        return { kind: 'probe', ok: false, what: `no answer within ${PATIENCE_MS / 1000} s` }
      if (!(error instanceof PrsyncError)) throw error
      return { kind: 'probe', ok: false, what: error.message }
    }
  }

  /** From 0 to below 1. */
  #drawn(): number {
    return this.#parts.random.below(1 << 30) / (1 << 30)
  }
}

const FIRST = rootOf(new Uint8Array(32))

/** At most so many bytes; the rest is not waited for. Fewer where the connection broke. */
async function beginningOf({ body }: HttpReply, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let got = 0
  try {
    for await (const chunk of body) {
      const part = chunk.subarray(0, length - got)
      bytes.set(part, got)
      got += part.length
      if (got === length) break
    }
  } catch (error) {
    if (!(error instanceof PrsyncError)) throw error // what came before is judged
  }
  return bytes.subarray(0, got)
}

/** Do our own bytes fit the hashes that we hold against others'? */
async function areWeRight({ module, root, ask }: Drawn): Promise<boolean> {
  try {
    const bytes = await module.contents.find(root)?.read(ask.offset, auditBytes(ask))
    return bytes !== undefined && wrongLeaf(ask, bytes) === null
  } catch (error) {
    if (error instanceof FileError) return false // it is no longer what it was
    throw error
  }
}

function isBad(evidence: Evidence | null): boolean {
  return evidence !== null && !('ok' in evidence && evidence.ok)
}
