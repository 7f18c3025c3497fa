/**
 * The list of contents that others may be part of and whose recipes leave open more than half of them: their parts may come after
 * them, or came before anybody looked. They are looked through again while nothing else is to be done, the seldomer the more
 * often it was in vain. docs/decisions/0053 and 0059.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, joinName } from '../base/byte-name.js'
import { Cursor, Writer } from '../base/bytes.js'
import type { Root } from '../hash/root.js'
import type { Store } from '../io/store.js'
import type { Wanting } from '../io/wanting-by-root.js'
import { mayHoldFiles } from '../mirror/file-class.js'

/** Looks at one content, the last after 512 times its bytes were hashed since it came. */
const MOST_LOOKS = 12
/** The first after an eighth of its bytes, each next one after twice as many as the one before. */
const FIRST_SHARE = 8
/** Directories gone through before others get the thread. */
const BREATH = 200
/** What is on the list and was not looked through when it was hashed. */
const NEVER = 0
/**
 * What names say nothing of is looked through again for one byte of so many that are hashed, and saved up to this; it comes to
 * the list while that is no longer than this.
 */
const UNNAMED_SHARE = 2
const MOST_CREDIT = 16 * 2 ** 30
const MOST_UNNAMED = 4096
const HASHED_BYTES = 'hashed-bytes'
const LOOKED_BYTES = 'looked-bytes'

/** Is a recipe good enough that better ones are not looked for? */
export function isSettled(size: number, told: number): boolean {
  return told * 2 >= size
}

/** A content that was just looked through, and in which others may be, as far as its name tells. */
export function want(
  store: Store,
  name: ByteName,
  { root, size }: { readonly root: Root; readonly size: number },
): void {
  const wanting = wantingOf(store, name, root, size)
  if (wanting !== null)
    store.transaction(() => store.wanting.put({ ...wanting, seen: hashedBytes(store) }))
}

/** Those that stand already and have no recipe: they are due at once. */
export async function wantStanding(
  store: Store,
  least: number | null,
  signal: AbortSignal,
): Promise<void> {
  let passed = 0
  for (const { name, record } of store.directories()) {
    if (++passed % BREATH === 0) {
      await breathe()
      signal.throwIfAborted()
    }
    const wanted = record.known.flatMap(({ base, root, size, hashed }) => {
      if (root === null || !hashed || size < (least ?? Number.POSITIVE_INFINITY)) return []
      if (store.recipe(root) !== null) return []
      return wantingOf(store, joinName(name, base), root, size) ?? []
    })
    if (wanted.length > 0)
      store.transaction(() => {
        for (const each of wanted) store.wanting.put(each)
      })
  }
}

/** Null: it is on the list, or left alone. */
function wantingOf(store: Store, name: ByteName, root: Root, size: number): Wanting | null {
  const holds = mayHoldFiles(name)
  if (holds === 'no' || (holds === 'perhaps' && store.wanting.count >= MOST_UNNAMED)) return null
  const unnamed = holds === 'perhaps'
  const before = store.wanting.of(root)
  if (before !== null && (unnamed || !before.unnamed)) return null
  return before === null
    ? { root, size, told: 0, looks: 0, seen: NEVER, unnamed }
    : { ...before, unnamed }
}

/** Bytes that are hashed now: with them images may have come parts. */
export function countHashed(store: Store, bytes: number): void {
  if (bytes > 0) store.transaction(() => putCount(store, HASHED_BYTES, hashedBytes(store) + bytes))
}
function hashedBytes(store: Store): number {
  return count(store, HASHED_BYTES)
}

/** Bytes of contents without a telling name that may be looked through now. */
function credit(store: Store): number {
  return Math.min(MOST_CREDIT, earned(store) - count(store, LOOKED_BYTES))
}
function spend(store: Store, bytes: number): void {
  putCount(store, LOOKED_BYTES, earned(store) - credit(store) + bytes)
}
function earned(store: Store): number {
  return Math.floor(hashedBytes(store) / UNNAMED_SHARE)
}

function count(store: Store, name: string): number {
  const value = store.value(name)
  return value === null ? 0 : new Cursor(value).varint()
}
function putCount(store: Store, name: string, bytes: number): void {
  const out = new Writer(8)
  out.varint(bytes)
  store.putValue(name, out.done())
}

/**
 * One that is to be looked through now; null: none is. Of those whose names tell nothing it is the largest that may ever be
 * paid for: the smaller ones must not spend what it waits for.
 */
export function nextDue(store: Store): Wanting | null {
  const now = hashedBytes(store)
  let unnamed: Wanting | null = null
  for (const wanting of store.wanting.all()) {
    if (!isDue(wanting, now)) continue
    if (!wanting.unnamed) return wanting
    if (wanting.size <= MOST_CREDIT && wanting.size > (unnamed?.size ?? 0)) unnamed = wanting
  }
  return unnamed !== null && unnamed.size <= credit(store) ? unnamed : null
}
function isDue({ size, looks, seen }: Wanting, now: number): boolean {
  return looks < MOST_LOOKS && (seen === NEVER || now - seen >= (size / FIRST_SHARE) * 2 ** looks)
}

/** It was looked through: what that cost is counted, and what names say nothing of leaves the list with its last look. */
export function noteLook(store: Store, { root, size, looks, unnamed }: Wanting): void {
  const seen = hashedBytes(store)
  store.transaction(() => {
    if (unnamed) spend(store, size)
    const now = store.wanting.of(root)
    if (now === null) return // half of it is told
    if (unnamed && looks + 1 === MOST_LOOKS) store.wanting.remove(root)
    else store.wanting.put({ ...now, size, looks: looks + 1, seen })
  })
}
