/** What a pull is asked for, and what it tells: values only. */
import { EXIT, type ExitCode } from '../base/errors.js'
import type { FilterOption } from '../flist/filter.js'
import type { ReleaseRef } from '../mirror/release.js'
import type { MaxDelete } from '../plan/deletions.js'
import type { CentreUrl } from './centre.js'

export type PullConfig = {
  readonly url: CentreUrl
  readonly destination: string
  /** `--key`. */
  readonly fingerprint: string | null
  /** What belongs to this mirror, in rsync's rule language. */
  readonly rules: readonly FilterOption[]
  /** Only these releases, as far as they fit; nothing else is to stand. Null: all that the rules take in. */
  readonly only: { readonly releases: readonly ReleaseRef[]; readonly quota: number } | null
  readonly delete: boolean
  /** --keep: so long deleted and replaced contents can still be given; null: neither keep nor expire. */
  readonly keepMs: number | null
  readonly maxDelete: MaxDelete | null
  readonly checksum: boolean
  /** --no-scan: what the snapshot has not changed since the last pull is believed to stand as that left it. */
  readonly noScan: boolean
  readonly dryRun: boolean
  readonly numericIds: boolean
  readonly xattrs: boolean
  readonly wait: boolean
  /** Bytes a second; null: no limit. */
  readonly downloadRate: number | null
  readonly uploadRate: number | null
  /** null: HTTP only. */
  readonly peerListen: { readonly host: string; readonly port: number } | null
  readonly lingerMs: number
  /** Nobody asked for it: where nothing was to be done, nothing is given to others either. */
  readonly lingerUnasked: boolean
  /** A tree in step is given to others until there is a newer snapshot, for an hour at most, whether anybody takes or not. */
  readonly resident: boolean
}

/** What one pull did: the object that `--json` prints. */
export type PullReport = {
  sequence: number
  files: { kept: number; cloned: number; fetched: number; deleted: number }
  bytes: {
    wanted: number
    cloned: number
    /** Put together of other contents here, with what recipes bring themselves. */
    assembled: number
    delta: number
    peers: number
    centre: number
    metadata: number
    wasted: number
  }
  seconds: number
  peers: number
  exit: ExitCode
}

/** Where the run tells what it does, for progress and itemized lines. */
export type PullEvents = {
  phase(name: string): void
  /** At the first pull into a tree: what this machine cannot keep. */
  limited(lacks: readonly string[]): void
  /** Nobody could be reached on the wire, neither the centre nor a node: everything came over HTTP. */
  noPeers(): void
  /** Another run has the tree; this one leaves. */
  busy(who: string): void
  /** @param line the eleven characters; @param name one char per byte, with what rsync adds to it */
  item(line: string, name: string): void
  progress(report: PullReport, state: PullState): void
}
export type PullState = {
  readonly filesTotal: number
  readonly filesDone: number
  readonly bytesTotal: number
  readonly bytesDone: number
  readonly peers: number
}

export function emptyReport(): PullReport {
  return {
    sequence: 0,
    files: { kept: 0, cloned: 0, fetched: 0, deleted: 0 },
    bytes: {
      wanted: 0,
      cloned: 0,
      assembled: 0,
      delta: 0,
      peers: 0,
      centre: 0,
      metadata: 0,
      wasted: 0,
    },
    seconds: 0,
    peers: 0,
    exit: EXIT.ok,
  }
}
