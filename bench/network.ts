/**
 * Places for the processes of a bench: network namespaces joined by a bridge, every line out alike (tbf); or only
 * loopback, where prsync limits its own uplink. Nothing leaves what is made here. Needs root, iproute2 and sch_tbf.
 */
import { execFileSync, spawnSync } from 'node:child_process'

export type Place = {
  /** Where a process there is reached. */
  readonly address: string
  /** Goes before a command line to run it there. */
  readonly prefix: readonly string[]
  /** Options that limit its uplink, when the line itself does not. */
  readonly limits: readonly string[]
}
export type Network = { readonly places: readonly Place[]; close(): void }

const BURST = '64kb'

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Null where namespaces cannot be made. @param rate bits per second out of each */
export function namespaces(count: number, rate: number): Network | null {
  const name = (what: string): string => `prsync-bench-${process.pid}-${what}`
  const made: string[] = []
  const close = (): void => {
    for (const one of made) spawnSync('ip', ['netns', 'del', one])
  }
  const add = (what: string): string => {
    ip('netns', 'add', name(what))
    made.push(name(what))
    ip('-n', name(what), 'link', 'set', 'lo', 'up')
    return name(what)
  }
  try {
    const hub = add('hub')
    ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge')
    ip('-n', hub, 'link', 'set', 'bridge', 'up')
    const places = Array.from({ length: count }, (_, i) => {
      const own = add(`${i}`)
      const address = `10.77.0.${i + 1}`
      const port = `port${i}`
      ip('-n', hub, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', own)
      ip('-n', hub, 'link', 'set', port, 'master', 'bridge', 'up')
      ip('-n', own, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
      ip('-n', own, 'link', 'set', 'eth0', 'up')
      const limit = ['rate', `${rate}bit`, 'burst', BURST, 'latency', '100ms']
      execFileSync('tc', ['-n', own, 'qdisc', 'add', 'dev', 'eth0', 'root', 'tbf', ...limit])
      return { address, prefix: ['ip', 'netns', 'exec', own], limits: [] }
    })
    return { places, close }
  } catch {
    close()
    return null
  }
}

/** Without a line of its own each limits what it gives by itself. */
export function loopback(count: number, rate: number): Network {
  const limits = ['--uplink', `${Math.floor(rate / 8192)}`]
  const place = { address: '127.0.0.1', prefix: [], limits }
  return { places: new Array<Place>(count).fill(place), close: () => {} }
}
