/** What pulls left in a tree's index about themselves: what was asked for, which head was followed, and whether it was done. */
import { utf8Bytes, utf8Of } from '../base/bytes.js'
import {
  FileError,
  messageOf,
  StartupError,
  TrustError,
  UsageError,
  WireError,
} from '../base/errors.js'
import {
  booleanAt,
  countAt,
  type JsonObject,
  objectAt,
  parseObject,
  stringAt,
} from '../base/json.js'
import type { FilterOption } from '../flist/filter.js'
import type { ContentId } from '../hash/root.js'
import { Store } from '../io/store.js'
import { type DiskTree, PRIVATE_NAME } from '../io/tree.js'
import { releasesAt } from '../mirror/volunteer-messages.js'
import { decodeHead, fingerprint, type Head } from '../snapshot/head.js'
import type { Pin } from '../snapshot/trust.js'
import { type CentreUrl, formatCentreUrl, parseCentreUrl } from './centre.js'
import type { PullConfig } from './pull-report.js'

/** What the last pull was asked for, so that `verify --repair` can ask for the same again. */
export type PullWish = {
  readonly url: CentreUrl
  readonly xattrs: boolean
  readonly numericIds: boolean
  readonly rules: readonly FilterOption[]
  readonly only: PullConfig['only']
  /** When it began, in milliseconds since the epoch. */
  readonly at: number
}

/** Our own corner of the destination. Nothing else is touched before the head is trusted. @throws {FileError} */
export function makeCorner(tree: DiskTree): void {
  try {
    if (tree.stat(PRIVATE_NAME) === null) tree.makeDirectory(PRIVATE_NAME, 0o700)
  } catch (cause) {
    throw new FileError(`cannot write to ${tree.path}: ${messageOf(cause)}`, { cause })
  }
}

/** The index of a tree that was pulled; none is made. @throws {StartupError} */
export function openIndex(tree: DiskTree): Store {
  if (tree.stat(PRIVATE_NAME)?.kind !== 'directory')
    throw new StartupError(`nothing was ever pulled into ${tree.path}: it has no ${PRIVATE_NAME}`)
  return new Store(`${tree.path}/${PRIVATE_NAME}/index`)
}

/** The key that is trusted and the newest head seen; null before the first pull. */
export function storedPin(store: Store): Pin | null {
  const bytes = store.value('pin')
  if (bytes === null) return null
  const [key = '', sequence = '', digest = ''] = utf8Of(bytes).split(' ')
  return { fingerprint: key, sequence: Number(sequence), digest }
}

/** The head of the last pull, if its own key signed it and that key is the pinned one. */
export function followedHead(store: Store): Head {
  const bytes = store.value('head')
  const pin = storedPin(store)
  if (bytes === null || pin === null)
    throw new StartupError('nothing was pulled there yet, or its index is damaged: pull first')
  const head = decodeHead(bytes)
  if (fingerprint(head.key) !== pin.fingerprint)
    throw new TrustError('the snapshot in the index is signed by another key than the pinned one')
  return head
}

/** The top page of the last head whose pages are all here. */
export function followedPage(store: Store): ContentId | null {
  const head = store.value('head')
  return head === null ? null : decodeHead(head).page
}

/** The last head that a pull brought the tree in step with, without a fault; null: none yet. */
export function doneHead(store: Store): { readonly head: Head; readonly at: number | null } | null {
  const bytes = store.value('done')
  if (bytes === null) return null
  const at = store.value('done-at')
  return { head: decodeHead(bytes), at: at === null ? null : Number(utf8Of(at)) }
}
/** From here on an older head is a rollback; all pages of this one are in the index. */
export function rememberHead(store: Store, head: Uint8Array, pin: Pin): void {
  store.transaction(() => {
    store.putValue('head', head)
    store.putValue('pin', utf8Bytes(`${pin.fingerprint} ${pin.sequence} ${pin.digest}`))
  })
}

/** @param through the sequence all of whose contents can be given from here; null: some cannot */
export function rememberDone(
  store: Store,
  head: Uint8Array,
  through: number | null,
  nowMs: number,
): void {
  store.transaction(() => {
    store.putValue('done', head)
    store.putValue('done-at', utf8Bytes(`${Math.floor(nowMs)}`))
    store.putValue('through', utf8Bytes(through === null ? '' : `${through}`))
  })
}
export function throughOf(store: Store): number | null {
  const text = utf8Of(store.value('through') ?? new Uint8Array(0))
  return text === '' ? null : Number(text)
}

export function rememberWish(store: Store, config: PullConfig, nowMs: number): void {
  const { url, xattrs, numericIds, rules, only } = config
  const wish = { url: formatCentreUrl(url), xattrs, numericIds, rules, only, at: Math.floor(nowMs) }
  store.transaction(() => store.putValue('wish', utf8Bytes(JSON.stringify(wish))))
}

/** Null where nothing was pulled, or by a version that wrote it otherwise. */
export function rememberedWish(store: Store): PullWish | null {
  const bytes = store.value('wish')
  if (bytes === null) return null
  try {
    const wish = parseObject(utf8Of(bytes), 'wish')
    return {
      url: parseCentreUrl(stringAt(wish, 'url')),
      xattrs: booleanAt(wish, 'xattrs'),
      numericIds: booleanAt(wish, 'numericIds'),
      rules: rulesOf(wish['rules']),
      only: wish['only'] == null ? null : onlyOf(objectAt(wish, 'only')),
      at: countAt(wish, 'at'),
    }
  } catch (error) {
    if (error instanceof WireError || error instanceof UsageError) return null
    throw error
  }
}

function onlyOf(only: JsonObject): PullConfig['only'] {
  return { releases: releasesAt(only), quota: countAt(only, 'quota') }
}

function rulesOf(rules: unknown): FilterOption[] {
  if (!Array.isArray(rules)) throw new WireError('wish: no rules')
  return rules.map((rule: unknown) => {
    if (typeof rule !== 'object' || rule === null || !('kind' in rule && 'text' in rule))
      throw new WireError('wish: no rule')
    const { kind, text } = rule
    if (typeof text !== 'string') throw new WireError('wish: a rule without text')
    if (kind === 'include' || kind === 'exclude' || kind === 'filter') return { kind, text }
    if (kind === 'include-from' || kind === 'exclude-from') return { kind, text, nul: false }
    throw new WireError('wish: a rule of another kind')
  })
}
