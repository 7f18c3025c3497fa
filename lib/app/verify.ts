/** `prsync verify DIR [--repair]`: one verification under the tree's lock, and the pull that mends what it found. */
import type { ByteName } from '../base/byte-name.js'
import { EXIT, type ExitCode, StartupError, TryAgainError } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import type { Root } from '../hash/root.js'
import { HashPool } from '../io/hash-pool.js'
import { lockTree, whoHasLock } from '../io/lock.js'
import { Owners } from '../io/owners.js'
import { DiskTree } from '../io/tree.js'
import { mirrorFilter } from './mirror-filter.js'
import { belongs, onlyOf } from './only.js'
import { readTop } from './pages.js'
import { pull } from './pull.js'
import type { PullConfig, PullEvents, PullReport } from './pull-report.js'
import type { PullHost } from './pull-session.js'
import { followedHead, openIndex, type PullWish, rememberedWish } from './pulled.js'
import { type Fault, Verification, type VerifyReport } from './verification.js'

export type VerifyConfig = {
  readonly directory: string
  readonly repair: boolean
  readonly wait: boolean
  /** For the repair; null: HTTP only. */
  readonly peerListen: PullConfig['peerListen']
}

export type VerifyEvents = {
  readonly found: (fault: Fault, name: ByteName, what: string) => void
  readonly progress: (report: VerifyReport) => void
  readonly repair: PullEvents
}

export type Verified = {
  readonly report: VerifyReport
  readonly seconds: number
  /** The pull that mended; null: not asked for, or nothing to mend. */
  readonly repair: { readonly report: PullReport; readonly outcome: Outcome } | null
  readonly exit: ExitCode
}

export async function verify(
  config: VerifyConfig,
  events: VerifyEvents,
  host: PullHost,
  signal: AbortSignal,
): Promise<Verified> {
  const started = host.clock.monotonic()
  const { report, wish } = await verifyTree(config, events, signal)
  const seconds = (host.clock.monotonic() - started) / 1000
  const wrong = Object.values(report.faults).reduce((sum, n) => sum + n, 0)
  if (wrong === 0) return { report, seconds, repair: null, exit: EXIT.ok }
  if (!config.repair) return { report, seconds, repair: null, exit: EXIT.partial }
  const repair = await pull(repairOf(config, wish), events.repair, host, signal)
  return { report, seconds, repair, exit: repair.report.exit }
}

async function verifyTree(
  config: VerifyConfig,
  events: VerifyEvents,
  signal: AbortSignal,
): Promise<{ report: VerifyReport; wish: PullWish }> {
  const tree = new DiskTree(config.directory)
  const pool = new HashPool()
  try {
    const store = openIndex(tree)
    try {
      const head = followedHead(store)
      const wish = rememberedWish(store)
      if (wish === null)
        throw new StartupError(
          `${config.directory} does not say where it was pulled from: pull it once more`,
        )
      const lock = await lockTree(tree, config.wait, signal)
      if (lock === null)
        throw new TryAgainError(
          `a pull has ${config.directory} (process ${whoHasLock(tree)}); --wait waits for it`,
        )
      try {
        const { found, progress } = events
        const owners = new Owners(wish.numericIds)
        const { subtree } = wish.url
        const { filter } = mirrorFilter(wish.rules)
        const blob = (root: Root): Uint8Array | null => store.blob(root)
        const { only: asked } = wish
        const only =
          asked === null
            ? null
            : await onlyOf(readTop(head.page, blob), asked.releases, asked.quota, blob, signal)
        const own = belongs(filter, only)
        const parts = { tree, store, pool, owners, subtree, belongs: own, found, progress }
        const verification = new Verification(parts, head)
        await verification.everything(signal)
        return { report: verification.report, wish }
      } finally {
        lock.release()
      }
    } finally {
      await store.close()
    }
  } finally {
    await pool.close()
    tree.close()
  }
}

/** The last pull once more, where only bytes that were hashed count as right: what verification read, it left in the index. */
function repairOf(config: VerifyConfig, wish: PullWish): PullConfig {
  return {
    ...wish,
    destination: config.directory,
    fingerprint: null,
    delete: false,
    keepMs: null,
    maxDelete: null,
    checksum: true,
    noScan: false,
    dryRun: false,
    wait: true,
    downloadRate: null,
    uploadRate: null,
    peerListen: config.peerListen,
    lingerMs: 0,
    lingerUnasked: false,
    resident: false,
  }
}
