/**
 * A node's end of the control channel: says hello, reports, hears of peers and of new snapshots. Whatever becomes of it, the
 * work goes on: a lost channel is opened again, later each time.
 */
import { messageOf, PrsyncError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { together } from '../base/together.js'
import type { Clock, Log, Random } from '../host.js'
import type { HttpClient } from '../io/http-client.js'
import { connectWebSocket, type TextSocket } from '../io/ws.js'
import {
  type ControlPeer,
  formatControl,
  type Hello,
  parseCentreMessage,
  type Report,
} from '../tracker/control.js'
import { CONTROL_PATH } from './control-desk.js'

/** Soon after the hello, so that a run of seconds is seen too. */
const FIRST_REPORT_MS = 2000
const REPORT_MS = 30_000
const BUSY_REPORT_MS = 10_000
const FIRST_WAIT_MS = 1000
const MOST_WAIT_MS = 60_000

export type ControlChannelParts = {
  /** `http://centre:8730` */
  readonly origin: string
  readonly client: Pick<HttpClient, 'userAgent' | 'from'>
  readonly hello: () => Hello
  readonly report: () => Report
  readonly onPeers: (peers: readonly ControlPeer[]) => void
  readonly onHead: (sequence: number) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Keeps a channel open until the signal. Rejects with its reason, and with defects of ours alone. */
export async function keepControl(parts: ControlChannelParts, signal: AbortSignal): Promise<void> {
  const { origin, clock, random, log, client } = parts
  const url = new URL(CONTROL_PATH, origin.replace(/^http/, 'ws'))
  let waitMs = FIRST_WAIT_MS
  for (;;) {
    signal.throwIfAborted()
    try {
      const socket = await connectWebSocket(
        url,
        LIMITS.controlBytes,
        client.userAgent,
        signal,
        client.from,
      )
      await attend(
        socket,
        parts,
        () => {
          waitMs = FIRST_WAIT_MS
        },
        signal,
      )
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof PrsyncError)) throw error
      log('control.lost', { what: messageOf(error) })
    }
    // half of it by chance, so that nodes do not all come back at once after the centre restarts
    await clock.sleep(waitMs / 2 + random.below(Math.ceil(waitMs / 2)), signal)
    waitMs = Math.min(MOST_WAIT_MS, waitMs * 2)
  }
}

/** One channel until it ends. @param onAlive the centre said something: it is worth coming back soon */
async function attend(
  socket: TextSocket,
  parts: ControlChannelParts,
  onAlive: () => void,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  try {
    socket.write(formatControl(parts.hello()))
    await together(
      signal,
      async (inner) => {
        try {
          await listen(socket, parts, onAlive, inner)
        } finally {
          over.abort()
        }
      },
      async () => {
        await reports(socket, parts, either).catch((error: unknown) => {
          if (!either.aborted) throw error
        })
      },
    )
  } finally {
    socket.close()
  }
}

async function listen(
  socket: TextSocket,
  { onPeers, onHead }: ControlChannelParts,
  onAlive: () => void,
  signal: AbortSignal,
): Promise<void> {
  for (let text = await socket.read(signal); text !== null; text = await socket.read(signal)) {
    const message = parseCentreMessage(text)
    onAlive()
    if (message?.type === 'peers') onPeers(message.peers)
    if (message?.type === 'head') onHead(message.sequence)
  }
}

async function reports(
  socket: TextSocket,
  { report, clock }: ControlChannelParts,
  signal: AbortSignal,
): Promise<void> {
  let waitMs = FIRST_REPORT_MS
  for (;;) {
    await clock.sleep(waitMs, signal)
    const now = report()
    const isBusy = now.busy || now.receiveRate > 0 || now.sendRate > 0
    waitMs = isBusy ? BUSY_REPORT_MS : REPORT_MS
    if (socket.unsent === 0) socket.write(formatControl(now))
  }
}
