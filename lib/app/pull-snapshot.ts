/** What one snapshot asks of a tree: nothing, when it is the last one and all is in order, or else `pull-follow.ts`. */
import type { Outcome } from '../base/outcome.js'
import type { Orderly } from '../io/glance.js'
import type { Store } from '../io/store.js'
import { allInOrder, type FirstLook, lookFirst } from './pull-look.js'
import { currentHead, type FollowedHead, keptOf, type PullSession, topOf } from './pull-session.js'
import { rememberDone, rememberHead, rememberWish, storedPin } from './pulled.js'

/**
 * @param release lets go of the tree's lock: when it stands, and others are given to
 * @returns how many contents the centre no longer had, and the snapshot's sequence
 */
export async function pullSnapshot(
  session: PullSession,
  outcome: Outcome,
  release: () => void,
  signal: AbortSignal,
): Promise<{ lost: number; sequence: number }> {
  const { events, report, client, store, tree } = session
  events.phase('snapshot')
  if (tree.lacks.length > 0 && storedPin(store) === null) events.limited(tree.lacks)
  const before = client.received
  const followed = await currentHead(session, signal)
  report.sequence = followed.head.sequence
  report.bytes.metadata += client.received - before
  const look = isSettledHead(store, followed.bytes)
    ? await firstLook(session, followed, signal)
    : null
  if (look?.inOrder !== undefined && look.inOrder !== null) {
    leave(session, followed, look.inOrder)
    return { lost: 0, sequence: followed.head.sequence }
  }
  // It loads half of the program.
  const { follow } = await import('./pull-follow.js')
  return follow(session, { followed, look: look?.look ?? null, outcome, release }, signal)
}

/** Is anything to be done at all? Pages need not be fetched for it, nor a port be opened. */
async function firstLook(
  session: PullSession,
  { head }: FollowedHead,
  signal: AbortSignal,
): Promise<{ look: FirstLook; inOrder: Orderly | null }> {
  const { config, events, store, tree } = session
  const top = topOf(head, config.url.subtree, store)
  events.phase('compare')
  const look = await lookFirst(session, top, signal)
  const mayLeave = config.lingerUnasked || config.lingerMs === 0
  return { look, inOrder: mayLeave ? allInOrder(look, tree, top) : null }
}

/** Nothing was to be done. */
function leave(session: PullSession, { bytes, pin, head }: FollowedHead, found: Orderly): void {
  const { config, host, report, store, startedMs } = session
  report.files.kept += found.files
  report.seconds = (host.clock.monotonic() - startedMs) / 1000
  if (config.dryRun) return
  keptOf(session).expire()
  const now = host.clock.now()
  const isAll =
    config.only === null &&
    config.rules.length === 0 &&
    config.url.subtree === '' &&
    found.unhashed === 0
  rememberHead(store, bytes, pin)
  rememberWish(store, config, now)
  rememberDone(store, bytes, isAll ? head.sequence : null, now)
}

/**
 * Is this the head that the last pull brought the tree in step with, and are its pages still thought to be here? Then only
 * the tree itself can have changed.
 */
function isSettledHead(store: Store, bytes: Uint8Array): boolean {
  return ['done', 'head'].every((name) => {
    const value = store.value(name)
    return value !== null && Buffer.compare(value, bytes) === 0
  })
}
