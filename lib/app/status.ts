/** `prsync status`: what a centre says of a module, and what a pulled tree knows of itself. */
import { latin1Of, utf8Of } from '../base/bytes.js'
import { SocketError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { HttpClient } from '../io/http-client.js'
import { lockHolder } from '../io/lock.js'
import { DiskTree } from '../io/tree.js'
import { decodeHead, fingerprint, type Head } from '../snapshot/head.js'
import { Centre, type CentreUrl, formatCentreUrl } from './centre.js'
import { type ModuleStatus, parseStatus } from './module-status.js'
import { doneHead, followedHead, openIndex, rememberedWish } from './pulled.js'

/** The signed head with its key's fingerprint, and the centre's unsigned word on its traffic. */
export type CentreStatus = {
  readonly url: string
  readonly head: Head
  readonly fingerprint: string
  /** Null where the centre does not tell. */
  readonly traffic: ModuleStatus | null
}

export type TreeStatus = {
  readonly directory: string
  readonly url: string | null
  /** The newest snapshot that a pull followed. */
  readonly head: Head
  readonly fingerprint: string
  /** The last one it brought the tree in step with; null: none yet. */
  readonly doneSequence: number | null
  /** When, in milliseconds since the epoch. */
  readonly doneAt: number | null
  /** When the last pull began. */
  readonly askedAt: number | null
  /** The tree is in step with the newest snapshot it knows of, as far as the last pull saw. */
  readonly isComplete: boolean
  /** Who is at work in it: `PID on HOST`. */
  readonly holder: string | null
}

/** @throws {TryAgainError} where nobody answers, {TrustError} on a head that its own key did not sign */
export async function centreStatus(
  url: CentreUrl,
  client: HttpClient,
  signal: AbortSignal,
): Promise<CentreStatus> {
  const signed = await new Centre(client, url).head(null, signal)
  if (signed === null) throw new SocketError(`${url.origin} gives no head`)
  const head = decodeHead(signed)
  const traffic = await trafficOf(url, client, signal)
  const shown = formatCentreUrl({ ...url, subtree: '' })
  return { url: shown, head, fingerprint: fingerprint(head.key), traffic }
}

async function trafficOf(
  { origin, module }: CentreUrl,
  client: HttpClient,
  signal: AbortSignal,
): Promise<ModuleStatus | null> {
  const at = new URL(`${origin}/${module}/.~prsync~/status`)
  try {
    return parseStatus(utf8Of(await client.fetch(at, {}, LIMITS.statusBytes, signal)))
  } catch (error) {
    if (error instanceof SocketError || error instanceof WireError) return null
    throw error
  }
}

/** @throws {StartupError} where nothing was pulled */
export async function treeStatus(directory: string): Promise<TreeStatus> {
  const tree = new DiskTree(directory)
  try {
    const store = openIndex(tree)
    try {
      const head = followedHead(store)
      const wish = rememberedWish(store)
      const done = doneHead(store)
      const [now, then] = [store.value('head'), store.value('done')]
      return {
        directory,
        url: wish === null ? null : formatCentreUrl(wish.url),
        head,
        fingerprint: fingerprint(head.key),
        doneSequence: done?.head.sequence ?? null,
        doneAt: done?.at ?? null,
        askedAt: wish?.at ?? null,
        isComplete: now !== null && then !== null && latin1Of(now) === latin1Of(then),
        holder: lockHolder(tree),
      }
    } finally {
      await store.close()
    }
  } finally {
    tree.close()
  }
}

export function statusClient(userAgent: string): HttpClient {
  return new HttpClient(userAgent, 1)
}
