/**
 * The centre's end of the control channels: who is there and how it goes, in memory; new nodes hear of others at once, all
 * hear of a new snapshot when it stands. What a client can make us hold: one socket, one hello, one report.
 */
import { messageOf, PrsyncError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Clock, Log, Random } from '../host.js'
import { expectListeners } from '../io/tcp.js'
import type { TextSocket } from '../io/ws.js'
import {
  type ControlPeer,
  formatControl,
  type Hello,
  type NodeMessage,
  parseNodeMessage,
  type Report,
} from '../tracker/control.js'
import { heardWithin } from './heard.js'
import type { NodeStatus } from './module-status.js'

export const CONTROL_PATH = '/control'

/** From the open socket to the hello, and from one report to the next. */
const HELLO_MS = 10_000
const SILENCE_MS = 100_000
/** Messages a node may send at once, and one more each so often. */
const BURST = 5
const EACH_MS = 2000

export type ControlDeskParts = {
  /** The current sequence; null where there is no such module. */
  readonly sequenceOf: (module: string) => number | null
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

type Node = {
  readonly socket: TextSocket
  readonly address: string
  readonly hello: Hello
  report: Report | null
  heardMs: number
}

export class ControlDesk {
  readonly #parts: ControlDeskParts
  readonly #end = new AbortController()
  readonly #nodes = new Set<Node>()
  /** Sockets behind an address, with and without a hello. */
  readonly #atAddress = new Map<string, number>()
  readonly #open = new Set<Promise<void>>()

  constructor(parts: ControlDeskParts) {
    this.#parts = parts
    expectListeners(this.#end.signal)
  }

  /** Serves the socket until it ends; it is closed in every case. */
  accept(socket: TextSocket, address: string): void {
    const neighbours = this.#atAddress.get(address) ?? 0
    const isFull = this.#open.size >= LIMITS.controlNodes
    if (this.#end.signal.aborted || isFull || neighbours >= LIMITS.controlNodesAtAddress) {
      socket.close()
      return
    }
    this.#atAddress.set(address, neighbours + 1)
    const served = this.#serve(socket, address)
      .catch((error: unknown) => {
        if (!(error instanceof PrsyncError) && !this.#end.signal.aborted)
          this.#parts.log('control.failed', { what: messageOf(error) })
      })
      .finally(() => {
        socket.close()
        this.#open.delete(served)
        const left = (this.#atAddress.get(address) ?? 1) - 1
        if (left > 0) this.#atAddress.set(address, left)
        else this.#atAddress.delete(address)
      })
    this.#open.add(served)
  }

  /** A snapshot stands now. */
  published(module: string, sequence: number): void {
    const text = formatControl({ type: 'head', sequence })
    for (const node of this.#nodes) if (node.hello.module === module) this.#tell(node, text)
  }

  /** The nodes of a module as they last reported. */
  nodes(module: string): NodeStatus[] {
    const now = this.#parts.clock.monotonic()
    const found: NodeStatus[] = []
    for (const { hello, report, address, heardMs } of this.#nodes) {
      if (hello.module !== module) continue
      found.push({
        id: hello.id,
        address,
        through: report?.through ?? hello.through,
        bytesReceived: report?.received ?? 0,
        bytesSent: report?.sent ?? 0,
        receiveRate: report?.receiveRate ?? 0,
        sendRate: report?.sendRate ?? 0,
        secondsAgo: Math.round((now - heardMs) / 100) / 10,
      })
    }
    return found
  }

  async close(): Promise<void> {
    this.#end.abort(new WireError('the centre stops'))
    await Promise.all(this.#open)
  }

  async #serve(socket: TextSocket, address: string): Promise<void> {
    const { clock, sequenceOf } = this.#parts
    const hello = await this.#heard(socket, HELLO_MS)
    if (hello?.type !== 'hello') return
    const sequence = sequenceOf(hello.module)
    if (sequence === null) return
    const node: Node = { socket, address, hello, report: null, heardMs: clock.monotonic() }
    this.#tell(node, formatControl({ type: 'head', sequence }))
    const peers = this.#peersFor(node)
    if (peers.length > 0) this.#tell(node, formatControl({ type: 'peers', peers }))
    this.#nodes.add(node)
    try {
      await this.#reports(node)
    } finally {
      this.#nodes.delete(node)
    }
  }

  async #reports(node: Node): Promise<void> {
    const { clock } = this.#parts
    let allowed = BURST
    for (;;) {
      const report = await this.#heard(node.socket, SILENCE_MS)
      if (report?.type !== 'report') return
      const now = clock.monotonic()
      allowed = Math.min(BURST, allowed + (now - node.heardMs) / EACH_MS) - 1
      if (allowed < 0) return
      node.report = report
      node.heardMs = now
    }
  }

  /** The next message within its time; null: it ended. */
  async #heard(socket: TextSocket, ms: number): Promise<NodeMessage | null> {
    const text = await heardWithin(socket, ms, this.#parts.clock, this.#end.signal)
    return text === null ? null : parseNodeMessage(text)
  }

  #tell(node: Node, text: string): void {
    // who does not take what it is told is not told more; a head is told again with the next
    if (node.socket.unsent < LIMITS.reportBytes) node.socket.write(text)
    else node.socket.close()
  }

  /** Others of the module that listen, drawn at random: a few tries each, whatever their number. */
  #peersFor({ hello }: Node): ControlPeer[] {
    const { random } = this.#parts
    const others = [...this.#nodes].filter(
      (node) => node.hello.module === hello.module && node.hello.port !== null,
    )
    const chosen: ControlPeer[] = []
    while (others.length > 0 && chosen.length < LIMITS.announcePeers) {
      const at = random.below(others.length)
      const [node] = others.splice(at, 1)
      if (node?.hello.port != null) chosen.push({ host: node.address, port: node.hello.port })
    }
    return chosen
  }
}
