/**
 * Messages of the control channel, one WebSocket a node: JSON, a message a frame. A node says hello once and reports; the centre
 * tells of peers and of new snapshots. prsync-protocol(7) CONTROL CHANNEL.
 */
import { WireError } from '../base/errors.js'
import {
  booleanAt,
  countAt,
  countOrNullAt,
  type JsonObject,
  listAt,
  numberAt,
  objectOf,
  parseTyped,
  stringAt,
} from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import { addressOf } from '../bt/compact-peers.js'

/** What a node says first. */
export type Hello = {
  readonly type: 'hello'
  readonly module: string
  /** Peer id: 20 bytes in hex. */
  readonly id: string
  /** Where its wire listens; null: nowhere. */
  readonly port: number | null
  /** Complete through this sequence; null: not yet. */
  readonly through: number | null
}

/** How it goes, each 30 s, or each 10 s while bytes move. */
export type Report = {
  readonly type: 'report'
  readonly through: number | null
  /** Bytes of contents since it started. */
  readonly received: number
  readonly sent: number
  /** Bytes a second. */
  readonly receiveRate: number
  readonly sendRate: number
  /** It still fetches. */
  readonly busy: boolean
}

export type ControlPeer = { readonly host: string; readonly port: number }

export type NodeMessage = Hello | Report
export type CentreMessage =
  /** Nodes of the same module to connect to. */
  | { readonly type: 'peers'; readonly peers: readonly ControlPeer[] }
  /** The module's newest sequence: at once after hello, then whenever one is published. */
  | { readonly type: 'head'; readonly sequence: number }

export function formatControl(message: NodeMessage | CentreMessage): string {
  return JSON.stringify(message)
}

/** What a node sent. @throws {WireError} */
export function parseNodeMessage(text: string): NodeMessage {
  const kinds = { hello: helloOf, report: reportOf }
  const message = parseTyped<NodeMessage>(text, 'control', kinds)
  if (message === null) throw new WireError('neither hello nor report', { at: 'control' })
  return message
}

/** What a centre sent; null for a kind of message that this version does not know. @throws {WireError} */
export function parseCentreMessage(text: string): CentreMessage | null {
  return parseTyped<CentreMessage>(text, 'control', {
    head: (from) => ({ type: 'head', sequence: countAt(from, 'sequence') }),
    peers: (from) => ({
      type: 'peers',
      peers: listAt(from, 'peers', LIMITS.announcePeers).map(peerOf),
    }),
  })
}

function helloOf(from: JsonObject): Hello {
  const id = stringAt(from, 'id')
  if (!/^[0-9a-f]{40}$/.test(id)) throw new WireError('not a peer id', { at: 'control' })
  const module = stringAt(from, 'module')
  const port = countOrNullAt(from, 'port')
  if (port !== null && (port < 1 || port > 65535)) throw new WireError('port', { at: 'control' })
  return { type: 'hello', module, id, port, through: countOrNullAt(from, 'through') }
}

function reportOf(from: JsonObject): Report {
  return {
    type: 'report',
    through: countOrNullAt(from, 'through'),
    received: countAt(from, 'received'),
    sent: countAt(from, 'sent'),
    receiveRate: numberAt(from, 'receiveRate'),
    sendRate: numberAt(from, 'sendRate'),
    busy: booleanAt(from, 'busy'),
  }
}

function peerOf(value: unknown): ControlPeer {
  const from = objectOf(value, 'control')
  const host = stringAt(from, 'host')
  const port = countAt(from, 'port')
  if (addressOf(host) === null || port < 1 || port > 65535)
    throw new WireError('not an address', { at: 'control' })
  return { host, port }
}
