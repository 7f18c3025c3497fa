/**
 * Messages of a volunteer's channel, a WebSocket beside those of nodes: JSON, a message a frame. The volunteer names its key, the centre
 * a nonce, and all that follows from the volunteer is signed, each message with its number: none can be left out, said twice or said
 * on another channel. prsync-protocol(7) VOLUNTEERS.
 */
import { hexOf, joined, latin1Of, utf8Bytes } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import {
  booleanAt,
  countAt,
  countOrNullAt,
  type JsonObject,
  listAt,
  numberAt,
  objectOf,
  parseObject,
  parseTyped,
  stringAt,
} from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import { isSignedBy, type KeyPair, signed } from '../hash/ed25519.js'
import { type Root, rootFrom } from '../hash/root.js'
import { isModuleName } from '../snapshot/head.js'
import { isBaseUrl, isVolunteerName } from './enrolment.js'
import type { ReleaseRef } from './release.js'
import { LASTING_MS, type LoadReport } from './report.js'

/** Modules of one volunteer, and rates of single clients in one report. */
const MODULES = 100
const OBSERVED = 64
const WHY_LENGTH = 200
const RELEASES = 500
/** Of a message, without its list. */
const ENVELOPE = 500
/** Contents of one message, and of each root these bytes: two that share them are once in ten million mirrors taken for one. */
export const CONTENTS = 1000
export const CONTENT_BYTES = 8

/** What it volunteers. */
export type Join = {
  readonly type: 'join'
  /** One-time, at the first join; null: its key is known. */
  readonly token: string | null
  /** Where clients find `/MODULE/NAME`: without a slash at the end. */
  readonly baseUrl: string
  /** What its admin says it can send, bytes a second; null: unknown. */
  readonly uplink: number | null
  /** Of its disk, what it gives: it holds what the centre wants there. Null: it says itself what it holds. */
  readonly quota: number | null
}
/** With a quota, after it was enrolled: what it was told to hold last, as much of it as fits. */
export type Keeps = { readonly type: 'keeps'; readonly releases: readonly ReleaseRef[] }
/** How it goes. */
export type Load = {
  readonly type: 'load'
  /** What it has; nothing of a module that is not named. */
  readonly modules: readonly ModuleState[]
} & Omit<LoadReport, 'atMs'>
export type ModuleState = {
  readonly module: string
  /** Complete through this sequence; null: it has a part of the module, or not all of it yet. */
  readonly through: number | null
  /** Names are those of this snapshot, whether its contents are there or not. Not less than `through`. */
  readonly following: number
}
/** Contents above 64 KiB that it has beside those it is complete through, verified: a few of a list, or some that came. */
export type Have = {
  readonly type: 'have'
  readonly module: string
  /** The first of a list: what it told before is no longer so. */
  readonly isFirst: boolean
  /** The first 8 bytes of each root. */
  readonly contents: readonly Root[]
}
/** It no longer has these. */
export type Lost = {
  readonly type: 'lost'
  readonly module: string
  readonly contents: readonly Root[]
}
/** It goes; or, having said so, stays. */
export type Drain = { readonly type: 'drain'; readonly begins: boolean }
export type VolunteerMessage = Join | Keeps | Load | Have | Lost | Drain

export type EnrolledMessage = {
  readonly type: 'enrolled'
  /** What its bounces name it. */
  readonly name: string
  /** What it signs them with (`bounce.ts`): 32 bytes in hex. */
  readonly bounceKey: string
  /** What clients call the centre: bounces lead there. A base URL, as volunteers have. */
  readonly centre: string
}
export type CentreWord =
  | { readonly type: 'nonce'; readonly nonce: string }
  | EnrolledMessage
  /** Its report came: a centre that is gone without a word says this no more. */
  | { readonly type: 'heard' }
  /** What it shall hold from now on, and nothing else. */
  | { readonly type: 'wanted'; readonly releases: readonly ReleaseRef[] }
  /** It may not volunteer; the channel ends. */
  | { readonly type: 'refused'; readonly why: string }

/** A volunteer's first message. */
export function formatKey({ publicKey }: KeyPair): string {
  return JSON.stringify({ type: 'key', key: hexOf(publicKey) })
}
/** The key, raw. @throws {WireError} */
export function parseKey(text: string): Uint8Array {
  const from = parseObject(text, 'volunteer')
  if (stringAt(from, 'type') !== 'key') throw new WireError('not a key', { at: 'volunteer' })
  return Buffer.from(hexAt(from, 'key', 32), 'hex')
}

/** @param count of signed messages before it on this channel */
export function formatSigned(
  message: VolunteerMessage,
  keys: KeyPair,
  nonce: string,
  count: number,
): string {
  const text = formatVolunteerMessage(message)
  const signature = hexOf(signed(signedBytes(text, nonce, count), keys))
  return JSON.stringify({ type: 'signed', text, signature })
}
/** @throws {WireError} also where somebody else signed it */
export function parseSigned(
  frame: string,
  key: Uint8Array,
  nonce: string,
  count: number,
): VolunteerMessage {
  const from = parseObject(frame, 'volunteer')
  if (stringAt(from, 'type') !== 'signed') throw new WireError('not signed', { at: 'volunteer' })
  const text = stringAt(from, 'text')
  const signature = Buffer.from(hexAt(from, 'signature', 64), 'hex')
  if (!isSignedBy(key, signedBytes(text, nonce, count), signature))
    throw new WireError('a signature that does not match', { at: 'volunteer' })
  return parseVolunteerMessage(text)
}

/** What is within a signed message. @throws {WireError} */
export function parseVolunteerMessage(text: string): VolunteerMessage {
  const message = parseTyped<VolunteerMessage>(text, 'volunteer', {
    join: joinOf,
    keeps: (from) => ({ type: 'keeps', releases: releasesAt(from) }),
    load: loadOf,
    have: haveOf,
    lost: lostOf,
    drain: (from) => ({ type: 'drain', begins: booleanAt(from, 'begins') }),
  })
  if (message === null)
    throw new WireError('neither join, keeps, load, have, lost nor drain', { at: 'volunteer' })
  return message
}
/** The text that is signed. */
export function formatVolunteerMessage(message: VolunteerMessage): string {
  if (message.type !== 'have' && message.type !== 'lost') return JSON.stringify(message)
  return JSON.stringify({ ...message, contents: formatContents(message.contents) })
}

export function formatCentreWord(word: CentreWord): string {
  return JSON.stringify(word)
}
/** Null for a kind that this version does not know. @throws {WireError} */
export function parseCentreWord(text: string): CentreWord | null {
  return parseTyped<CentreWord>(text, 'centre', {
    nonce: (from) => ({ type: 'nonce', nonce: hexAt(from, 'nonce', 16) }),
    enrolled: enrolledOf,
    heard: () => ({ type: 'heard' }),
    wanted: (from) => ({ type: 'wanted', releases: releasesAt(from) }),
    refused: (from) => ({ type: 'refused', why: stringAt(from, 'why').slice(0, WHY_LENGTH) }),
  })
}

function enrolledOf(from: JsonObject): EnrolledMessage {
  const [name, centre] = [stringAt(from, 'name'), stringAt(from, 'centre')]
  if (!isVolunteerName(name)) throw new WireError('not a name', { at: 'enrolled' })
  if (!isBaseUrl(centre)) throw new WireError('not a URL for clients', { at: 'enrolled' })
  return { type: 'enrolled', name, bounceKey: hexAt(from, 'bounceKey', 32), centre }
}

function joinOf(from: JsonObject): Join {
  const baseUrl = stringAt(from, 'baseUrl')
  if (!isBaseUrl(baseUrl)) throw new WireError('not a URL for clients', { at: 'join' })
  const token = from['token'] === null ? null : stringAt(from, 'token')
  return {
    type: 'join',
    token,
    baseUrl,
    uplink: countOrNullAt(from, 'uplink'),
    quota: countOrNullAt(from, 'quota'),
  }
}

function loadOf(from: JsonObject): Load {
  const flows = countAt(from, 'flows')
  const lasting = listAt(from, 'lasting', LASTING_MS.length).map(countOf)
  let before = flows
  for (const still of lasting) {
    if (still > before) throw new WireError('more flows last than there are', { at: 'load' })
    before = still
  }
  return {
    type: 'load',
    modules: listAt(from, 'modules', MODULES).map((value) => {
      const each = objectOf(value, 'modules')
      const [through, following] = [countOrNullAt(each, 'through'), countAt(each, 'following')]
      return { module: moduleAt(each), through, following }
    }),
    fair: numberAt(from, 'fair'),
    flows,
    lasting,
    clientRate: numberAt(from, 'clientRate'),
    syncRate: numberAt(from, 'syncRate'),
    observed: listAt(from, 'observed', OBSERVED).map((value) => numberAt({ value }, 'value')),
  }
}

function haveOf(from: JsonObject): Have {
  const [module, isFirst] = [moduleAt(from), booleanAt(from, 'isFirst')]
  return { type: 'have', module, isFirst, contents: contentsAt(from) }
}
function lostOf(from: JsonObject): Lost {
  return { type: 'lost', module: moduleAt(from), contents: contentsAt(from) }
}

function moduleAt(from: JsonObject): string {
  const module = stringAt(from, 'module')
  if (!isModuleName(module)) throw new WireError('not a module', { at: 'volunteer' })
  return module
}

/** @throws {WireError} */
export function releasesAt(from: JsonObject): ReleaseRef[] {
  return listAt(from, 'releases', RELEASES).map((value) => {
    const each = objectOf(value, 'releases')
    const [since, first, last] = [countAt(each, 'since'), nameAt(each, 'from'), nameAt(each, 'to')]
    return { module: moduleAt(each), since, from: first, to: last }
  })
}
/** As many of them as one message of so many bytes can have. */
export function releasesWithin(releases: readonly ReleaseRef[], bytes: number): ReleaseRef[] {
  let left = bytes - ENVELOPE
  const fits = releases.slice(0, RELEASES)
  return fits.filter((each) => {
    // within a signed message its quotes and all that is no ASCII are written longer
    left -= JSON.stringify(JSON.stringify(each)).length * 2
    return left >= 0
  })
}

/** A name of the module, one char a byte. */
function nameAt(from: JsonObject, field: string): string {
  const name = stringAt(from, field)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: any byte may stand in a name
  if (name.length > LIMITS.nameBytes || !/^[\x00-\xff]*$/.test(name))
    throw new WireError('not a name', { at: field })
  return name
}

function formatContents(contents: readonly Root[]): string {
  const beginnings = contents.map((root) => root.slice(0, CONTENT_BYTES)).join('')
  return Buffer.from(beginnings, 'latin1').toString('base64')
}
/** Roots with nothing behind their beginnings. */
function contentsAt(from: JsonObject): Root[] {
  const bytes = Buffer.from(stringAt(from, 'contents'), 'base64')
  const count = bytes.length / CONTENT_BYTES
  if (!Number.isInteger(count) || count > CONTENTS)
    throw new WireError('not a list of contents', { at: 'contents' })
  const text = latin1Of(bytes)
  return Array.from({ length: count }, (_, i) =>
    rootFrom(text.slice(i * CONTENT_BYTES, (i + 1) * CONTENT_BYTES)),
  )
}

function countOf(value: unknown): number {
  return countAt({ value }, 'value')
}

function hexAt(from: JsonObject, name: string, bytes: number): string {
  const text = stringAt(from, name)
  if (text.length !== 2 * bytes || !/^[0-9a-f]+$/.test(text))
    throw new WireError(`not ${bytes} bytes in hex`, { at: name })
  return text
}

function signedBytes(text: string, nonce: string, count: number): Uint8Array {
  return joined([utf8Bytes(`prsync-volunteer-v1\n${nonce}\n${count}\n`), utf8Bytes(text)])
}
