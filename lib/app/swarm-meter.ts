/** What the swarm brought, into the report: contents of the tree and metadata apart. */
import type { Swarm } from '../swarm/swarm.js'
import type { PullReport } from './pull-report.js'

type Bytes = { readonly peers: number; readonly centre: number; readonly wasted: number }

export class SwarmMeter {
  readonly #swarm: Swarm
  readonly #report: PullReport
  /** What earlier looks of the same pull brought. */
  readonly #base: Bytes
  #aside = 0
  #asidePeers = 0
  #asideCentre = 0

  constructor(swarm: Swarm, report: PullReport) {
    this.#swarm = swarm
    this.#report = report
    const { peers, centre, wasted } = report.bytes
    this.#base = { peers, centre, wasted }
  }

  read(): void {
    const now = this.#bytes()
    const { bytes } = this.#report
    bytes.peers = this.#base.peers + now.peers - this.#asidePeers
    bytes.centre = this.#base.centre + now.centre - this.#asideCentre
    bytes.wasted = this.#base.wasted + now.wasted
    this.#report.peers = Math.max(this.#report.peers, this.#swarm.progress().peers)
  }

  /** What was truly saved: short gaps between what was found here came over the network with what was missing. */
  settleSaved(): void {
    const { bytes } = this.#report
    if (bytes.delta + bytes.assembled === 0) return
    const saved = Math.max(0, bytes.wanted - bytes.cloned - bytes.peers - bytes.centre)
    bytes.assembled = bytes.delta === 0 ? saved : Math.min(bytes.assembled, saved)
    bytes.delta = saved - bytes.assembled
  }

  /** Downloads of metadata, one at a time: they count as such. */
  async aside(download: () => Promise<void>): Promise<void> {
    if (this.#aside++ > 0) throw new TypeError('one download of metadata at a time')
    const before = this.#bytes()
    try {
      await download()
    } finally {
      this.#aside--
      const after = this.#bytes()
      const peers = after.peers - before.peers
      const centre = after.centre - before.centre
      this.#asidePeers += peers
      this.#asideCentre += centre
      this.#report.bytes.metadata += peers + centre
    }
  }

  #bytes(): Bytes {
    const { peers, centreWire, centreHttp, wasted } = this.#swarm.progress().bytes
    return { peers, centre: centreWire + centreHttp, wasted }
  }
}
