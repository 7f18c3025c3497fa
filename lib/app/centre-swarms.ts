/** The swarms of a centre's modules on one port, for as long as the signal lets them. */
import { latin1Of } from '../base/bytes.js'
import type { Clock, Log } from '../host.js'
import { swarmInfoHash } from '../snapshot/head.js'
import { RateLimit } from '../swarm/rate-limit.js'
import { Swarm } from '../swarm/swarm.js'
import type { SwarmTable } from '../tracker/swarm-table.js'
import type { ServedModule } from './module.js'
import { WirePort } from './swarm-node.js'
import { systemRandom } from './system.js'

export type CentreSwarms = { readonly wire: WirePort; close(): Promise<void> }

export async function startSwarms(
  modules: ReadonlyMap<string, ServedModule>,
  parts: {
    readonly listen: { readonly host: string; readonly port: number }
    /** Public key of the modules. */
    readonly key: Uint8Array
    /** Shared by all that the centre gives. */
    readonly upload: RateLimit
    readonly table: SwarmTable
    readonly clock: Clock
    readonly log: Log
  },
  signal: AbortSignal,
): Promise<CentreSwarms> {
  const { clock, log, table, key, upload } = parts
  const running: Promise<void>[] = []
  const wire = await WirePort.listen(parts.listen, clock, systemRandom, log, signal)
  for (const module of modules.values()) {
    const infoHash = swarmInfoHash({ key, module: module.name })
    const swarm = new Swarm({
      role: 'centre',
      id: latin1Of(wire.id),
      store: module.contents,
      clock,
      random: systemRandom,
      log,
      upload,
      download: new RateLimit(null, 0),
      dial: wire.dialer(infoHash),
    })
    table.open(latin1Of(infoHash))
    wire.register(infoHash, swarm)
    module.wirePort = wire.port
    module.progress = () => swarm.progress()
    running.push(
      swarm.run(signal).catch((error: unknown) => {
        if (!signal.aborted) throw error
      }),
    )
  }
  const close = async (): Promise<void> => {
    await Promise.all(running)
    await wire.close()
  }
  return { wire, close }
}
