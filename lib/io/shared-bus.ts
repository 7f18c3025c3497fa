/**
 * The door of @redis/client: what several centres share through a Redis or Valkey server. Messages to all, and fields that stay. While the
 * server is away messages are lost and fields wait with whoever keeps them: nobody waits for it.
 */
import { codeOf, messageOf } from '../base/errors.js'
import type { Log } from '../host.js'

export type SharedBus = {
  /** To all others that listen now. */
  tell(text: string): void
  /** Stays with the server. */
  keep(field: string, text: string): void
  close(): void
}

export type BusEvents = {
  /** Also what was told here. */
  heard(text: string): void
  /** The server is there, for the first time or again: all fields. */
  connected(fields: ReadonlyMap<string, string>): void
}

const CONNECT_MS = 5000
const FIRST_WAIT_MS = 50
const MOST_WAIT_MS = 2000
/** A server that answers nothing is taken for gone. */
const PING_MS = 5000

/** @param url `redis:` or `rediss:` @param name of what is shared: several may use one server */
export async function openSharedBus(
  url: string,
  name: string,
  events: BusEvents,
  log: Log,
): Promise<SharedBus> {
  // slow to load, and wanted by few
  const { createClient } = await import('@redis/client')
  const options = {
    url,
    disableOfflineQueue: true,
    pingInterval: PING_MS,
    socket: {
      connectTimeout: CONNECT_MS,
      reconnectStrategy: (retries: number): number =>
        Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(retries, 10)),
    },
  }
  const channel = `prsync:${name}`
  const hash = `${channel}:volunteers`
  const client = createClient(options)
  const listener = createClient(options)
  let isClosed = false
  const failed = (error: unknown): void => {
    if (!isClosed) log('shared.failed', { what: codeOf(error) ?? messageOf(error) })
  }
  const greet = async (): Promise<void> => {
    // both, so that nothing falls between what stands and what is told
    if (!client.isReady || !listener.isReady) return
    const fields = await client.hGetAll(hash)
    events.connected(new Map(Object.entries(fields)))
  }
  for (const each of [client, listener]) each.on('error', failed)
  client.on('ready', () => void greet().catch(failed))
  listener.on('ready', () => void greet().catch(failed))
  client.connect().catch(failed)
  listener
    .connect()
    .then(() => listener.subscribe(channel, (text) => events.heard(text)))
    .catch(failed)
  return {
    tell: (text) => {
      if (client.isReady) client.publish(channel, text).catch(failed)
    },
    keep: (field, text) => {
      if (client.isReady) client.hSet(hash, field, text).catch(failed)
    },
    close: () => {
      isClosed = true
      client.destroy()
      listener.destroy()
    },
  }
}
