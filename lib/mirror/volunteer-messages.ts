/**
 * Messages of a volunteer's channel, a WebSocket beside those of nodes: JSON, a message a frame. The volunteer names its key, the centre
 * a nonce, and all that follows from the volunteer is signed, each message with its number: none can be left out, said twice or said
 * on another channel. prsync-protocol(7) VOLUNTEERS.
 */
import { hexOf, joined, utf8Bytes } from '../base/bytes.js'
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
  stringAt,
} from '../base/json.js'
import { isSignedBy, type KeyPair, signed } from '../hash/ed25519.js'
import { isModuleName } from '../snapshot/head.js'
import { isBaseUrl, isVolunteerName } from './enrolment.js'
import { LASTING_MS, type LoadReport } from './report.js'

/** Modules of one volunteer, and rates of single clients in one report. */
const MODULES = 100
const OBSERVED = 64
const WHY_LENGTH = 200

/** What it volunteers. */
export type Join = {
  readonly type: 'join'
  /** One-time, at the first join; null: its key is known. */
  readonly token: string | null
  /** Where clients find `/MODULE/NAME`: without a slash at the end. */
  readonly baseUrl: string
  /** What its admin says it can send, bytes a second; null: unknown. */
  readonly uplink: number | null
}
/** How it goes. */
export type Load = {
  readonly type: 'load'
  /** Complete through these sequences; a module that is not named is not complete. */
  readonly through: readonly { readonly module: string; readonly sequence: number }[]
} & Omit<LoadReport, 'atMs'>
/** It goes; or, having said so, stays. */
export type Drain = { readonly type: 'drain'; readonly begins: boolean }
export type VolunteerMessage = Join | Load | Drain

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
  const text = JSON.stringify(message)
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
  const from = parseObject(text, 'volunteer')
  switch (stringAt(from, 'type')) {
    case 'join':
      return joinOf(from)
    case 'load':
      return loadOf(from)
    case 'drain':
      return { type: 'drain', begins: booleanAt(from, 'begins') }
    default:
      throw new WireError('neither join, load nor drain', { at: 'volunteer' })
  }
}

export function formatCentreWord(word: CentreWord): string {
  return JSON.stringify(word)
}
/** Null for a kind that this version does not know. @throws {WireError} */
export function parseCentreWord(text: string): CentreWord | null {
  const from = parseObject(text, 'centre')
  switch (stringAt(from, 'type')) {
    case 'nonce':
      return { type: 'nonce', nonce: hexAt(from, 'nonce', 16) }
    case 'enrolled':
      return enrolledOf(from)
    case 'refused':
      return { type: 'refused', why: stringAt(from, 'why').slice(0, WHY_LENGTH) }
    default:
      return null
  }
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
  return { type: 'join', token, baseUrl, uplink: countOrNullAt(from, 'uplink') }
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
    through: listAt(from, 'through', MODULES).map((value) => {
      const each = objectOf(value, 'through')
      const module = stringAt(each, 'module')
      if (!isModuleName(module)) throw new WireError('not a module', { at: 'load' })
      return { module, sequence: countAt(each, 'sequence') }
    }),
    fair: numberAt(from, 'fair'),
    flows,
    lasting,
    clientRate: numberAt(from, 'clientRate'),
    syncRate: numberAt(from, 'syncRate'),
    observed: listAt(from, 'observed', OBSERVED).map((value) => numberAt({ value }, 'value')),
  }
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
