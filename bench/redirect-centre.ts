/**
 * A centre that knows many files and volunteers, for bench/redirect: the routes, tables and server of `prsync serve`, but its snapshot
 * is made of names alone. Arguments: state directory, files, volunteers. Says its port on standard output.
 */

import { frontHandler } from '../lib/app/front.js'
import { ServedModule } from '../lib/app/module.js'
import { PopularFiles } from '../lib/app/popular-files.js'
import { RedirectDesk } from '../lib/app/redirect-desk.js'
import { route } from '../lib/app/routes.js'
import { systemClock, systemRandom } from '../lib/app/system.js'
import { TorrentDesk } from '../lib/app/torrent-desk.js'
import { Volunteers } from '../lib/app/volunteer-table.js'
import type { DirectoryEntry, Entry, FileEntry } from '../lib/flist/entry.js'
import { digestPieceLength } from '../lib/hash/digests.js'
import { keyPairOf } from '../lib/hash/ed25519.js'
import { type ContentId, rootOf } from '../lib/hash/root.js'
import type { Clock } from '../lib/host.js'
import { HashPool } from '../lib/io/hash-pool.js'
import { serveHttp } from '../lib/io/http-server.js'
import { Store } from '../lib/io/store.js'
import { DiskTree } from '../lib/io/tree.js'
import { Deliveries } from '../lib/mirror/deliveries.js'
import { buildDirectory } from '../lib/snapshot/build.js'
import { encodeHead } from '../lib/snapshot/head.js'
import { TOP } from '../lib/snapshot/page.js'
import { RateLimit } from '../lib/swarm/rate-limit.js'
import { SwarmTable } from '../lib/tracker/swarm-table.js'

const [state = '', files = '0', count = '0'] = process.argv.slice(2)
const PER_DIRECTORY = 100
const KEYS = keyPairOf(new Uint8Array(32).fill(1))
const SIZE = 100_000

const common = {
  mode: 0o644,
  mtimeNs: 1_700_000_000_000_000_000n,
  user: { id: 0, name: 'root' },
  group: { id: 0, name: 'root' },
  xattrs: [],
}

/** Any 32 bytes do: nobody asks for theirs. */
function contentOf(i: number): ContentId {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(0, Math.imul(i, 2654435761))
  new DataView(bytes.buffer).setUint32(4, i)
  return { root: rootOf(bytes), length: SIZE }
}

function fileOf(i: number): FileEntry {
  const base = `package-${String(i).padStart(7, '0')}_1.2.3-4_amd64.deb`
  const none = { linkGroup: 0, sums: null, recipe: null }
  return { ...common, ...none, kind: 'file', base, content: contentOf(i), since: 1 }
}

function publish(store: Store): void {
  const put = (entries: readonly Entry[]): ContentId | null => {
    const { page, pages } = buildDirectory(entries)
    for (const { id, bytes } of pages) store.putBlob(id, bytes)
    return page
  }
  const none = new Uint8Array(0)
  const digests = { sha256: new Uint8Array(32), sha1Pieces: none, sha256Pieces: none }
  store.transaction(() => {
    for (let i = 0; i < Number(files); i++)
      store.putDigests(contentOf(i).root, { ...digests, pieceLength: digestPieceLength(SIZE) })
    const directories: DirectoryEntry[] = []
    for (let at = 0; at < Number(files); at += PER_DIRECTORY) {
      const length = Math.min(PER_DIRECTORY, Number(files) - at)
      const page = put(Array.from({ length }, (_, i) => fileOf(at + i)))
      const base = `d${String(at / PER_DIRECTORY).padStart(6, '0')}`
      directories.push({ ...common, kind: 'directory', base, page })
    }
    const pool: DirectoryEntry = {
      ...common,
      kind: 'directory',
      base: 'pool',
      page: put(directories),
    }
    const page = put([{ ...common, kind: 'directory', base: TOP, page: put([pool]) }])
    const time = Math.floor(Date.now() / 1000)
    const head = {
      ...{ module: 'm', key: KEYS.publicKey, sequence: 1, previous: null, page, time },
      ...{ expires: time + 86_400, files: Number(files), bytes: Number(files) * SIZE },
    }
    store.putValue('head', encodeHead(head, KEYS))
  })
}

/** Volunteers that joined an hour ago: those of the last minutes are sent a tenth of what they can. */
function openVolunteers(): Volunteers {
  let earlierMs = 3_600_000
  const clock: Clock = { ...systemClock, now: () => systemClock.now() - earlierMs }
  const table = new Volunteers({
    path: `${state}/volunteers`,
    secret: KEYS.seed,
    sequenceOf: () => 1,
    contentsAmong: (_, roots) => roots,
    onQuarantine: () => {},
    origin: () => 'http://127.0.0.1',
    ...{ uplink: null, rate: () => 0, clock, random: systemRandom },
  })
  const modules = [{ module: 'm', through: 1, following: 1 }]
  const load = { type: 'load', modules, fair: 50e6 } as const
  const channels: [name: string, channel: object][] = []
  for (let i = 0; i < Number(count); i++) {
    const uplink = 125e6 * (1 + (i % 10))
    const token = table.invite(`v${i}`, uplink, 60_000)
    const baseUrl = `http://mirror-${i}.example.org/debian`
    const channel = {}
    table.join(
      new Uint8Array(32).fill(i + 1),
      { type: 'join', token, baseUrl, uplink, quota: null },
      channel,
    )
    channels.push([`v${i}`, channel])
  }
  const report = (): void => {
    for (const [name, channel] of channels)
      table.loaded(
        name,
        { ...load, flows: 3, lasting: [], clientRate: 1e6, syncRate: 0, observed: [8e6] },
        channel,
      )
  }
  report()
  for (const [name] of channels) table.saw(name, { kind: 'audit', ok: true, what: '' })
  earlierMs = 0
  report()
  setInterval(report, 5000)
  return table
}

const store = new Store(`${state}/index`)
publish(store)
const module = new ServedModule('m', new DiskTree(state), store, new HashPool())
const modules = new Map([['m', module]])
const upload = new RateLimit(null, 0)
const origin = (): string => 'http://127.0.0.1'
const desk = { modules, table: new SwarmTable(), clock: systemClock, upload, origin }
const torrents = new TorrentDesk({ ...desk, host: () => null, wire: () => null })
const none = (): null => null
const routes = {
  ...{ modules, torrents, origin, saysWhy: true, popular: new PopularFiles() },
  ...{ tracker: none, status: none, admin: none, pages: none },
  redirects: new RedirectDesk(openVolunteers(), systemClock, systemRandom, origin),
}
const server = await serveHttp({
  ...{ host: '127.0.0.1', port: 0, tls: null, upgrade: null, log: () => {} },
  handle: frontHandler({
    answer: (request) => route(routes, request),
    ...{ deliveries: new Deliveries(), upload, clock: systemClock, trusted: [], log: null },
  }),
})
process.stdout.write(`${server.port}\n`)
// an end that a profile is written at
process.once('SIGTERM', () => process.exit(0))
