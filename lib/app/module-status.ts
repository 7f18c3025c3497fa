/**
 * What a centre says of a module to whoever asks: `GET /NAME/.~prsync~/status`, JSON. Figures for people and monitoring;
 * what is to be trusted stands in the signed head.
 */
import { WireError } from '../base/errors.js'
import {
  countAt,
  countOrNullAt,
  listAt,
  numberAt,
  objectAt,
  objectOf,
  parseObject,
  stringAt,
} from '../base/json.js'
import { LIMITS } from '../base/limits.js'

export type NodeStatus = {
  /** Peer id in hex. */
  readonly id: string
  readonly address: string
  /** Complete through this sequence; null: it did not say. */
  readonly through: number | null
  readonly bytesReceived: number
  readonly bytesSent: number
  /** Bytes a second. */
  readonly receiveRate: number
  readonly sendRate: number
  /** Since its last report. */
  readonly secondsAgo: number
}

export type ModuleStatus = {
  readonly module: string
  readonly sequence: number
  readonly files: number
  readonly bytes: number
  /** Seconds since the epoch. */
  readonly time: number
  readonly expires: number
  /** As the tracker counts them. */
  readonly swarm: { readonly seeds: number; readonly leeches: number }
  /** Connections to the centre's own wire. */
  readonly connections: number
  /** What the centre itself gave since it started. */
  readonly given: { readonly wire: number; readonly http: number; readonly torrents: number }
  /** Nodes on the control channel, as they last reported. */
  readonly nodes: readonly NodeStatus[]
}

export function formatStatus(status: ModuleStatus): string {
  return `${JSON.stringify(status)}\n`
}

/** @throws {WireError} */
export function parseStatus(text: string): ModuleStatus {
  const from = parseObject(text, 'status')
  const swarm = objectAt(from, 'swarm')
  const given = objectAt(from, 'given')
  return {
    module: plain(stringAt(from, 'module')),
    sequence: countAt(from, 'sequence'),
    files: countAt(from, 'files'),
    bytes: countAt(from, 'bytes'),
    time: countAt(from, 'time'),
    expires: countAt(from, 'expires'),
    swarm: { seeds: countAt(swarm, 'seeds'), leeches: countAt(swarm, 'leeches') },
    connections: countAt(from, 'connections'),
    given: {
      wire: countAt(given, 'wire'),
      http: countAt(given, 'http'),
      torrents: countAt(given, 'torrents'),
    },
    nodes: listAt(from, 'nodes', LIMITS.controlNodes).map(nodeOf),
  }
}

function nodeOf(value: unknown): NodeStatus {
  const from = objectOf(value, 'node')
  return {
    id: plain(stringAt(from, 'id')),
    address: plain(stringAt(from, 'address')),
    through: countOrNullAt(from, 'through'),
    bytesReceived: countAt(from, 'bytesReceived'),
    bytesSent: countAt(from, 'bytesSent'),
    receiveRate: numberAt(from, 'receiveRate'),
    sendRate: numberAt(from, 'sendRate'),
    secondsAgo: numberAt(from, 'secondsAgo'),
  }
}

/** What will stand on somebody's terminal. */
function plain(text: string): string {
  if (!/^[\w.:[\]-]{1,100}$/.test(text)) throw new WireError('odd characters', { at: 'status' })
  return text
}
