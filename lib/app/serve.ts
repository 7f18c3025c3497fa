/** `prsync serve --tracker`: publishes trees, and answers nodes and ordinary clients. */
import { StartupError } from '../base/errors.js'
import { together } from '../base/together.js'
import { keyPairOf } from '../hash/ed25519.js'
import type { Clock } from '../host.js'
import { openKeyFile } from '../io/key-file.js'
import { lockFile } from '../io/lock.js'
import { openTokenFile } from '../io/token-file.js'
import { fingerprint, type Head } from '../snapshot/head.js'
import { type PublishEvents, Publishing, type PublishingParts } from './publishing.js'
import { type CentreConfig, type CentreHost, RunningCentre } from './running-centre.js'

export type ServeConfig = CentreConfig &
  Pick<PublishingParts, 'publish' | 'ignore' | 'xattrs' | 'assembleMin'> & {
    /** From one look at the trees to the next. */
    readonly intervalMs: number
  }

export type ServeEvents = PublishEvents & {
  /** The key was made now: what an admin has to tell the nodes. */
  newKey(fingerprint: string, pulls: readonly string[]): void
  ready(module: string, head: Head, url: string): void
  /** rsync's clients are answered. */
  rsyncReady(url: string): void
  /** A volunteer gave wrong bytes. */
  quarantined(volunteer: string, why: string): void
}

/**
 * Runs until the signal; `rescan` resolves each time somebody wants the trees looked at now.
 * @throws {StartupError} where the state, a port or the certificate cannot be used, {FileError} where a tree is not there
 */
export async function serve(
  config: ServeConfig,
  events: ServeEvents,
  host: CentreHost,
  rescan: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { seed, made } = openKeyFile(`${config.state}/key`)
  const keys = keyPairOf(seed)
  const lock = lockFile(`${config.state}/lock`)
  if (lock === null)
    throw new StartupError(
      `another centre runs with ${config.state}; give this one its own --state`,
    )
  try {
    let centre: RunningCentre | null = null
    const failures = new Map<string, string>()
    const told = tellingOf(events, failures, () => centre)
    const publishing = await Publishing.open({ ...config, ...host, keys, events: told })
    centre = new RunningCentre(config, host, publishing, failures, keys, events.quarantined)
    try {
      await centre.listen(openTokenFile(`${config.state}/admin-token`), signal)
      if (config.rsync !== null) events.rsyncReady(await centre.listenForRsync(config.rsync))
      const urls = config.modules.map(({ name }) => `${centre.origin}/${name}`)
      if (made) events.newKey(fingerprint(keys.publicKey), urls)
      await publishing.now(signal)
      await centre.join(signal)
      for (const { name, current } of publishing.modules.values())
        if (current !== null) events.ready(name, current.head, `${centre.origin}/${name}`)
      const { audits, placing, shared } = centre
      await together(
        signal,
        (inner) => audits.keep(inner),
        (inner) => placing.keep(inner),
        ...(shared === null ? [] : [(inner: AbortSignal) => shared.keep(inner)]),
        async (inner) => {
          for (;;) {
            await soonest(rescan(), config.intervalMs, host.clock, inner)
            await publishing.now(inner)
          }
        },
      )
    } finally {
      await centre.close()
      await publishing.close()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    lock.release()
  }
}

/** The centre hears of what is published too, once there is one. @param failures why a module last was not */
function tellingOf(
  events: PublishEvents,
  failures: Map<string, string>,
  centre: () => RunningCentre | null,
): PublishEvents {
  return {
    ...events,
    failed: (module, what) => {
      failures.set(module, what)
      events.failed(module, what)
    },
    published: (module, head, changed, outcome) => {
      events.published(module, head, changed, outcome)
      failures.delete(module)
      if (changed) centre()?.published(module, head.sequence)
    },
  }
}

async function soonest(
  wish: Promise<void>,
  ms: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const scope = new AbortController()
  const either = AbortSignal.any([signal, scope.signal])
  const rest = clock.sleep(ms, either).catch((error: unknown) => {
    if (!either.aborted) throw error
  })
  await Promise.race([wish, rest])
  scope.abort()
  await rest
}
