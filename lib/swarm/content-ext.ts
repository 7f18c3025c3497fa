/**
 * The BEP 10 extension `ps_content`: what a request's index stands for (BIND, UNBIND), what a node can give (HAVE, DROP)
 * and lacks (WANT). A message is a kind and items up to its end; numbers are varints, roots 32 bytes, hints the first 8.
 * Unit ranges are (gap since the range before, count), ascending and never touching, so that a set has one form.
 */
import { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { type ContentId, ROOT_BYTES, rootBytes, rootOf } from '../hash/root.js'
import {
  type Bind,
  type Have,
  type RootHint,
  type UnitRange,
  type Want,
  WINDOW_BYTES,
} from './peer-port.js'

export const CONTENT_EXTENSION = 'ps_content'
const HINT_BYTES = 8

const BIND = 0
const UNBIND = 1
const HAVE = 2
const WANT = 3
const DROP = 4

export type ContentMessage =
  | { readonly kind: 'bind'; readonly binds: readonly Bind[] }
  | { readonly kind: 'unbind'; readonly handles: readonly number[] }
  | { readonly kind: 'have'; readonly have: Have }
  | { readonly kind: 'want'; readonly wants: readonly Want[] }
  | { readonly kind: 'drop'; readonly hints: readonly RootHint[] }

/** The first 8 bytes of a content's root. */
export function hintOf(root: string): RootHint {
  return root.slice(0, HINT_BYTES)
}

/** The message as one payload, or several that say the same, each small enough for one BitTorrent message. */
export function encodeContentMessage(message: ContentMessage): Uint8Array[] {
  const out = new Payloads()
  switch (message.kind) {
    case 'bind':
      out.begin([BIND])
      for (const bind of message.binds) out.add((to) => putBind(to, bind))
      break
    case 'unbind':
      out.begin([UNBIND])
      for (const handle of message.handles) out.add((to) => to.varint(handle))
      break
    case 'have':
      putHave(out, message.have)
      break
    case 'want':
      out.begin([WANT])
      for (const want of message.wants)
        for (const ranges of slices(merged(want.ranges)))
          out.add((to) => {
            putContent(to, want.content)
            putRanges(to, ranges)
          })
      break
    case 'drop':
      out.begin([DROP])
      for (const hint of message.hints) out.add((to) => to.latin1(hint))
      break
  }
  return out.done()
}

/**
 * One payload; null where its kind is of a later version.
 * @throws {WireError} on numbers that nothing could have, Underflow where it ends within an item.
 */
export function decodeContentMessage(bytes: Uint8Array): ContentMessage | null {
  const from = new Cursor(bytes)
  switch (from.u8()) {
    case BIND:
      return { kind: 'bind', binds: items(from, getBind) }
    case UNBIND:
      return { kind: 'unbind', handles: items(from, getHandle) }
    case HAVE:
      return { kind: 'have', have: getHave(from) }
    case WANT:
      return { kind: 'want', wants: items(from, getWant) }
    case DROP:
      return { kind: 'drop', hints: items(from, getHint) }
    default:
      return null
  }
}

/** At least a few bytes stand for each item, so what is made is bounded by the message. */
function items<T>(from: Cursor, one: (from: Cursor) => T): T[] {
  const out: T[] = []
  while (from.left > 0) out.push(one(from))
  return out
}

function putBind(to: Writer, bind: Bind): void {
  to.varint(bind.handle)
  putContent(to, bind.content)
  to.varint(bind.window)
}
function getBind(from: Cursor): Bind {
  const handle = getHandle(from)
  const content = getContent(from)
  const window = within(from.varint(), 0, (content.length - 1) / WINDOW_BYTES, 'window')
  return { handle, content, window }
}

function getHandle(from: Cursor): number {
  return within(from.varint(), 0, WINDOW_BYTES - 1, 'handle')
}

/** through + 1 (0: nothing said), how many hints of wholes, the hints; then parts to the end. */
function putHave(out: Payloads, have: Have): void {
  const most = Math.floor((PAYLOAD_BYTES - HAVE_HEAD_BYTES) / HINT_BYTES)
  let through = have.through
  let at = 0
  do {
    const wholes = have.wholes.slice(at, at + most)
    out.begin([HAVE, through === null ? 0 : through + 1, wholes.length])
    out.add((to) => {
      for (const hint of wholes) to.latin1(hint)
    })
    through = null
    at += most
  } while (at < have.wholes.length)
  out.next([HAVE, 0, 0])
  for (const part of have.parts)
    for (const ranges of slices(merged(part.ranges)))
      out.add((to) => {
        to.latin1(part.hint)
        putRanges(to, ranges)
      })
}
function getHave(from: Cursor): Have {
  const through = from.varint()
  const count = within(from.varint(), 0, from.left / HINT_BYTES, 'hints')
  const wholes: RootHint[] = []
  for (let i = 0; i < count; i++) wholes.push(getHint(from))
  const parts = items(from, (f) => ({ hint: getHint(f), ranges: getRanges(f) }))
  return { through: through === 0 ? null : through - 1, wholes, parts }
}

function getWant(from: Cursor): Want {
  return { content: getContent(from), ranges: getRanges(from) }
}

function getHint(from: Cursor): RootHint {
  return from.latin1(HINT_BYTES)
}

function putContent(to: Writer, content: ContentId): void {
  to.put(rootBytes(content.root))
  to.varint(content.length)
}
function getContent(from: Cursor): ContentId {
  const root = rootOf(from.view(ROOT_BYTES))
  return { root, length: within(from.varint(), 1, LIMITS.contentBytes, 'content length') }
}

function putRanges(to: Writer, ranges: readonly UnitRange[]): void {
  to.varint(ranges.length)
  let at = 0
  for (const { first, count } of ranges) {
    to.varint(first - at)
    to.varint(count)
    at = first + count
  }
}
function getRanges(from: Cursor): UnitRange[] {
  const total = within(from.varint(), 0, Math.min(RANGES, from.left / 2), 'ranges')
  const out: UnitRange[] = []
  let at = 0
  for (let i = 0; i < total; i++) {
    const first = at + within(from.varint(), i === 0 ? 0 : 1, UNITS, 'gap')
    const count = within(from.varint(), 1, UNITS, 'units')
    at = within(first + count, 1, UNITS, 'last unit')
    out.push({ first, count })
  }
  return out
}

/** The same units as ascending ranges that do not touch. */
function merged(ranges: readonly UnitRange[]): UnitRange[] {
  const out: UnitRange[] = []
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const last = out[out.length - 1]
    const end = last === undefined ? -1 : last.first + last.count
    if (range.count < 1) continue
    if (last === undefined || range.first > end) out.push(range)
    else if (range.first + range.count > end)
      out[out.length - 1] = { first: last.first, count: range.first + range.count - last.first }
  }
  return out
}

/** Ranges as several items can carry them; none stay one item with none. */
function slices(ranges: readonly UnitRange[]): UnitRange[][] {
  const out: UnitRange[][] = []
  let at = 0
  do {
    out.push(ranges.slice(at, at + RANGES))
    at += RANGES
  } while (at < ranges.length)
  return out
}

/** Units of the largest content. */
const UNITS = LIMITS.contentBytes / LIMITS.requestBytes
/** Ranges of one item: at most two numbers of 8 bytes each. */
const RANGES = 4096
/** A message's own id and the extension's come before. */
const PAYLOAD_BYTES = LIMITS.messageBytes - 2
const HAVE_HEAD_BYTES = 1 + 8 + 8

/** Items gathered into payloads, each starting with the head that its kind asks for. */
class Payloads {
  readonly #out: Uint8Array[] = []
  readonly #current = new Writer()
  readonly #item = new Writer()
  #next: readonly number[] = []

  /** Starts a payload; the ones that overflow from it start alike. */
  begin(head: readonly number[]): void {
    this.#flush()
    this.#next = head
    for (const number of head) this.#current.varint(number)
  }
  /** How payloads start that overflow from the one at hand. */
  next(head: readonly number[]): void {
    this.#next = head
  }
  add(put: (to: Writer) => void): void {
    this.#item.reset()
    put(this.#item)
    if (this.#current.length + this.#item.length > PAYLOAD_BYTES) this.begin(this.#next)
    this.#current.put(this.#item.done())
  }
  done(): Uint8Array[] {
    this.#flush()
    return this.#out
  }

  #flush(): void {
    if (this.#current.length > 0) this.#out.push(Uint8Array.from(this.#current.done()))
    this.#current.reset()
  }
}

function within(value: number, least: number, most: number, what: string): number {
  if (value < least || value > most)
    throw new WireError(`${what} ${value} out of range`, { at: CONTENT_EXTENSION })
  return value
}
