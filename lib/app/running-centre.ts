/**
 * What of a centre listens, and the parts behind it: HTTP at once, so that nodes hear that nothing is published yet; swarms and
 * the admin once something is.
 */
import { latin1Of } from '../base/bytes.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { LIMITS } from '../base/limits.js'
import type { KeyPair } from '../hash/ed25519.js'
import { rootHex } from '../hash/root.js'
import type { Clock, Log } from '../host.js'
import { type AccessLog, openAccessLog } from '../io/access-log.js'
import type { ProcessListener } from '../io/daemon-listener.js'
import { type HttpServer, serveHttp } from '../io/http-server.js'
import { acceptWebSockets, type SocketDoor } from '../io/ws.js'
import type { AccessFormat } from '../mirror/access-line.js'
import { Deliveries } from '../mirror/deliveries.js'
import type { Network } from '../mirror/volunteer.js'
import { fingerprint, type Head, swarmInfoHash } from '../snapshot/head.js'
import { Meter } from '../swarm/meter.js'
import { RateLimit } from '../swarm/rate-limit.js'
import { SwarmTable } from '../tracker/swarm-table.js'
import { answerAdmin } from './admin.js'
import { adminRoute } from './admin-http.js'
import { Audits } from './audits.js'
import { type CentreSwarms, startSwarms } from './centre-swarms.js'
import type { ViewParts } from './centre-view.js'
import { CONTROL_PATH, ControlDesk } from './control-desk.js'
import { clientAddress } from './forwarded.js'
import { frontHandler } from './front.js'
import type { ServedModule } from './module.js'
import type { ModuleStatus } from './module-status.js'
import { Placing } from './placing.js'
import { PopularFiles } from './popular-files.js'
import type { Publishing } from './publishing.js'
import { RedirectDesk, type VolunteerTable } from './redirect-desk.js'
import { route } from './routes.js'
import { openRsyncFace, type RsyncFace } from './rsync-face.js'
import { SharedVolunteers } from './shared-volunteers.js'
import { LiveDesk } from './status-live.js'
import { LIVE_PATH, liveBody, statusRoute } from './status-routes.js'
import { systemRandom } from './system.js'
import { TorrentDesk } from './torrent-desk.js'
import { trackerRoute } from './tracker-route.js'
import { answerVolunteers } from './volunteer-admin.js'
import { VOLUNTEER_PATH, VolunteerDesk } from './volunteer-desk.js'
import { Volunteers, type VolunteersParts } from './volunteer-table.js'

export type CentreConfig = {
  readonly modules: readonly { readonly name: string; readonly directory: string }[]
  readonly listen: { readonly host: string; readonly port: number }
  readonly peerListen: { readonly host: string; readonly port: number } | null
  /** For rsync's clients; null: it is not. */
  readonly rsync: RsyncFace | null
  readonly state: string
  /** What others are told, without a `/` at the end; null: from `listen`. */
  readonly publicUrl: string | null
  readonly uploadRate: number | null
  /** Who serves files in the centre's place; null: who is enrolled here. */
  readonly volunteers: VolunteerTable | null
  /** `redis://…`: volunteers are shared with other centres of the same key; null: with nobody. */
  readonly shared: string | null
  /** Redirects say in headers of their own which volunteer it is, and why. */
  readonly saysWhy: boolean
  /** Null: none is written. */
  readonly accessLog: { readonly path: string; readonly format: AccessFormat } | null
  /** Proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly Network[]
  /** PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | null
}

export type CentreHost = { readonly clock: Clock; readonly log: Log }

export class RunningCentre {
  readonly #config: CentreConfig
  readonly #host: CentreHost
  readonly #publishing: Publishing
  readonly #key: Uint8Array
  readonly #volunteers: Volunteers
  readonly #channels: VolunteerDesk
  readonly #view: ViewParts
  readonly #live: LiveDesk
  readonly #table = new SwarmTable()
  readonly #torrents: TorrentDesk
  /** `--uplink`: for nodes, ordinary BitTorrent clients and HTTP together. */
  readonly #upload: RateLimit
  readonly #control: ControlDesk
  readonly audits: Audits
  /** Null: this is the only centre. */
  readonly shared: SharedVolunteers | null
  readonly placing: Placing
  #http: HttpServer | null = null
  #accessLog: AccessLog | null = null
  #swarms: CentreSwarms | null = null
  #admin: { close(): Promise<void> } | null = null
  #rsync: ProcessListener | null = null

  constructor(
    config: CentreConfig,
    host: CentreHost,
    publishing: Publishing,
    failures: ReadonlyMap<string, string>,
    keys: KeyPair,
    quarantined: VolunteersParts['onQuarantine'],
  ) {
    this.#config = config
    this.#host = host
    this.#publishing = publishing
    this.#key = keys.publicKey
    this.#upload = new RateLimit(config.uploadRate, host.clock.monotonic())
    const common = {
      ...host,
      origin: () => this.origin,
      random: systemRandom,
      sequenceOf: (module: string) =>
        publishing.modules.get(module)?.current?.head.sequence ?? null,
    }
    this.#control = new ControlDesk(common)
    const deliveries = new Deliveries()
    const known = this.#volunteersParts(keys, deliveries)
    const volunteers = { ...common, ...known, onQuarantine: quarantined }
    this.shared = config.shared === null ? null : this.#sharedVolunteers(config.shared, volunteers)
    this.#volunteers = this.shared ?? new Volunteers(volunteers)
    this.audits = new Audits({
      ...common,
      table: this.#volunteers,
      modules: publishing.modules,
    })
    this.placing = new Placing({
      ...common,
      path: `${config.state}/demand`,
      table: this.#volunteers,
      modules: publishing.modules,
      tell: (channel, word) => this.#channels.tell(channel, word),
    })
    this.#channels = new VolunteerDesk({
      ...common,
      volunteers: this.#volunteers,
      onKeeps: (name, releases) => this.placing.keeps(name, releases),
    })
    this.#view = {
      modules: publishing.modules,
      status: (module) => this.#status(module),
      volunteers: this.#volunteers,
      placing: this.placing,
      deliveries,
      failures,
      now: () => host.clock.now(),
      startedMs: host.clock.now(),
    }
    this.#live = new LiveDesk({ ...host, page: (name) => liveBody(this.#view, name) })
    this.#torrents = this.#openTorrents()
  }

  #openTorrents(): TorrentDesk {
    const { publicUrl } = this.#config
    return new TorrentDesk({
      modules: this.#publishing.modules,
      table: this.#table,
      clock: this.#host.clock,
      upload: this.#upload,
      origin: () => this.origin,
      host: () => (publicUrl === null ? null : new URL(publicUrl).hostname),
      wire: () => this.#swarms?.wire ?? null,
    })
  }

  /** What a table of volunteers knows of this centre. */
  #volunteersParts(
    { seed }: KeyPair,
    deliveries: Deliveries,
  ): Pick<VolunteersParts, 'contentsAmong' | 'path' | 'secret' | 'uplink' | 'seen' | 'rate'> {
    const { modules } = this.#publishing
    const { clock } = this.#host
    const sent = new Meter(clock.monotonic())
    return {
      contentsAmong: (module, roots) => modules.get(module)?.contentsAmong(roots) ?? [],
      path: `${this.#config.state}/volunteers`,
      secret: seed,
      uplink: this.#config.uploadRate,
      seen: (name, evidence) => deliveries.saw(name, evidence),
      rate: () => {
        sent.add(this.#upload.spent - sent.total)
        return sent.rate(clock.monotonic())
      },
    }
  }
  #sharedVolunteers(url: string, volunteers: VolunteersParts): SharedVolunteers {
    const { modules } = this.#publishing
    return new SharedVolunteers(volunteers, {
      ...{ url, name: fingerprint(this.#key), log: this.#host.log },
      snapshotOf: (module) => snapshotName(modules.get(module)?.current?.head),
    })
  }

  /** A snapshot stands. */
  published(module: string, sequence: number): void {
    this.#control.published(module, sequence)
    const served = this.#publishing.modules.get(module)
    if (served !== undefined) this.placing.published(served)
  }

  /** What the centre is called: never taken from a request. */
  get origin(): string {
    const { publicUrl, tls, listen } = this.#config
    const scheme = tls === null ? 'http' : 'https'
    return publicUrl ?? `${scheme}://${urlHost(listen.host)}:${this.#http?.port ?? listen.port}`
  }

  /** @param token whoever has it may publish over HTTP */
  async listen(token: string, signal: AbortSignal): Promise<void> {
    const { listen, tls, volunteers, trustedProxies, accessLog } = this.#config
    this.#accessLog = accessLog === null ? null : openAccessLog(accessLog.path)
    const { format } = accessLog ?? { format: 'combined' }
    const { clock, log } = this.#host
    const { modules } = this.#publishing
    const torrents = this.#torrents
    const tracker = trackerRoute(this.#table, clock, systemRandom, (asked) => torrents.join(asked))
    const status = (module: ServedModule): ModuleStatus | null => this.#status(module)
    const own = { publishing: this.#publishing, volunteers: this.#volunteers }
    const admin = (request: HttpRequest): ReturnType<typeof adminRoute> =>
      adminRoute({ token, ...own, clock, log, signal }, request)
    const pages = (request: HttpRequest): HttpAnswer | null => statusRoute(this.#view, request)
    const origin = (): string => this.origin
    const table = volunteers ?? this.#volunteers
    const { placing } = this
    const redirects = new RedirectDesk(table, clock, systemRandom, origin, (wanted) =>
      placing.asked(wanted),
    )
    const isAlone = (): boolean => volunteers === null && this.#volunteers.isEmpty
    const popular = new PopularFiles()
    const files = { torrents, origin, popular, saysWhy: this.#config.saysWhy }
    const routes = {
      ...{ modules, tracker, status, admin, pages, ...files },
      get redirects() {
        return isAlone() ? null : redirects
      },
    }
    const addressOf = (peer: string, forwarded: string | undefined): string =>
      clientAddress(peer, forwarded, trustedProxies)
    const { upgrade } = acceptWebSockets(this.#doors(), addressOf)
    this.#http = await serveHttp({
      ...listen,
      tls,
      handle: frontHandler({
        answer: (request) => route(routes, request),
        deliveries: this.#view.deliveries,
        upload: this.#upload,
        clock,
        trusted: trustedProxies,
        log: this.#accessLog === null ? null : { write: this.#accessLog.write, format },
      }),
      upgrade,
      log,
    })
  }

  /** What is no plain request. */
  #doors(): SocketDoor[] {
    return [
      {
        path: CONTROL_PATH,
        messageBytes: LIMITS.reportBytes,
        onSocket: (socket, address) => this.#control.accept(socket, address),
      },
      {
        path: VOLUNTEER_PATH,
        messageBytes: LIMITS.volunteerBytes,
        onSocket: (socket, address) => this.#channels.accept(socket, address),
      },
      {
        path: LIVE_PATH,
        messageBytes: LIMITS.livePageBytes,
        onSocket: (socket, address) => this.#live.accept(socket, address),
      },
    ]
  }

  /** @returns where rsync's clients find it */
  async listenForRsync(face: RsyncFace): Promise<string> {
    this.#rsync = await openRsyncFace(face, this.#config)
    return `rsync://${urlHost(face.listen.host)}:${this.#rsync.local.port}/`
  }

  /** Takes part in the swarms, and hears the admin. */
  async join(signal: AbortSignal): Promise<void> {
    const { peerListen, state } = this.#config
    const { clock, log } = this.#host
    const { modules } = this.#publishing
    if (peerListen !== null) {
      const parts = { listen: peerListen, key: this.#key, upload: this.#upload, table: this.#table }
      this.#swarms = await startSwarms(modules, { ...parts, clock, log }, signal)
      this.#swarms.wire.otherwise = (infoHash) => this.#torrents.topic(infoHash)
    }
    const otherwise = (question: string): string | null =>
      answerVolunteers(this.#volunteers, question)
    this.#admin = await answerAdmin(state, this.#publishing, otherwise, log, signal)
  }

  async close(): Promise<void> {
    await this.#rsync?.close()
    await this.#control.close()
    await this.#channels.close()
    await this.#live.close()
    await this.#http?.close()
    this.#accessLog?.close()
    await this.#swarms?.close()
    await this.#admin?.close()
  }

  /** What anybody may know of a module now; null before its first snapshot. */
  #status(module: ServedModule): ModuleStatus | null {
    if (module.current === null) return null
    const { head } = module.current
    const { sequence, files, bytes, time, expires } = head
    const counts = this.#table.get(latin1Of(swarmInfoHash(head)))?.counts
    const wire = module.progress?.()
    const { httpSent: http, torrentSent: torrents } = module
    return {
      module: module.name,
      sequence,
      files,
      bytes,
      time,
      expires,
      swarm: { seeds: counts?.seeds ?? 0, leeches: counts?.leeches ?? 0 },
      connections: wire?.peers ?? 0,
      given: { wire: wire?.bytes.sent ?? 0, http, torrents },
      nodes: this.#control.nodes(module.name),
    }
  }
}

/** What centres that see a module alike call its snapshot. */
function snapshotName(head: Head | undefined): string | null {
  return head === undefined
    ? null
    : `${head.sequence} ${head.page === null ? '' : rootHex(head.page.root)}`
}

/** An address as it stands in a URL; one that means "any" is this machine's loopback to itself. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
