/** How a centre stands, as values: what its pages show, and the same as JSON. Rates are bytes a second, times seconds since the epoch. */
import { capacityOf, predictedRate, relativeLoad } from '../mirror/balance.js'
import type { Deliveries, MinuteBytes, VolunteerTally } from '../mirror/deliveries.js'
import { fairness } from '../mirror/fairness.js'
import type { ServedModule } from './module.js'
import type { ModuleStatus } from './module-status.js'
import type { Placing } from './placing.js'
import type { VolunteerStatus } from './volunteer-status.js'
import type { Volunteers } from './volunteer-table.js'

export type ViewParts = {
  readonly modules: ReadonlyMap<string, ServedModule>
  readonly status: (module: ServedModule) => ModuleStatus | null
  readonly volunteers: Volunteers
  readonly placing: Pick<Placing, 'replicas'>
  readonly deliveries: Deliveries
  /** Why the last look at a module published nothing, by module. */
  readonly failures: ReadonlyMap<string, string>
  readonly now: () => number
  readonly startedMs: number
}

/** @property through the last snapshot that it has whole; null: none, or a part of the module */
export type Behind = {
  readonly module: string
  readonly through: number | null
  readonly behind: number
}

export type VolunteerView = VolunteerStatus & {
  readonly tally: VolunteerTally
  /** Null: it does not report now. */
  readonly at: {
    readonly capacity: number
    readonly measured: number | null
    readonly clientRate: number
    readonly syncRate: number
    /** Answers under way, as it last reported. */
    readonly flows: number
    /** What one more client would get. */
    readonly predicted: number
    /** 1: all that it can send. */
    readonly load: number
    readonly modules: readonly Behind[]
  } | null
}

export type CentreView = {
  readonly time: number
  readonly started: number
  readonly alarms: readonly string[]
  readonly delivery: {
    readonly redirects: number
    readonly direct: number
    readonly bytesAway: number
    readonly bytesHere: number
    /** Part of the bytes that volunteers gave; null: nothing was asked yet. */
    readonly offload: number | null
    /** Decision times below which half and nineteen of twenty stayed, microseconds. */
    readonly decisionUs: { readonly p50: number | null; readonly p95: number | null }
    readonly minutes: readonly MinuteBytes[]
  }
  /** What clients got at volunteers, as these reported: nineteen of twenty got more than the first. */
  readonly clientRates: { readonly p5: number; readonly p50: number } | null
  /** Jain's index of the volunteers' load, those that report; null: nobody has any. */
  readonly evenness: number | null
  readonly volunteers: readonly VolunteerView[]
  readonly modules: readonly ModuleStatus[]
}

export function centreView(parts: ViewParts): CentreView {
  const { deliveries, now, startedMs } = parts
  const nowMs = now()
  const volunteers = volunteerViews(parts, nowMs)
  const modules = [...parts.modules.values()].flatMap((module) => parts.status(module) ?? [])
  const { away, here } = deliveries.bytes
  const loads = volunteers.flatMap(({ at }) => (at === null ? [] : [at.load]))
  return {
    time: Math.floor(nowMs / 1000),
    started: Math.floor(startedMs / 1000),
    alarms: alarmsOf(volunteers, modules, parts.failures, nowMs),
    delivery: {
      redirects: sumOf(deliveries.redirects),
      direct: sumOf(deliveries.direct),
      bytesAway: away,
      bytesHere: here,
      offload: away + here === 0 ? null : away / (away + here),
      decisionUs: { p50: deliveries.decisionWithinUs(0.5), p95: deliveries.decisionWithinUs(0.95) },
      minutes: deliveries.minutes(nowMs),
    },
    clientRates: clientRatesOf(parts.volunteers),
    evenness: fairness(loads),
    volunteers,
    modules,
  }
}

function volunteerViews(parts: ViewParts, nowMs: number): VolunteerView[] {
  const { volunteers, deliveries } = parts
  return volunteers.list().map((status) => ({
    ...status,
    tally: deliveries.of(status.name),
    at: atNow(parts, status.name, nowMs),
  }))
}

function atNow(
  { volunteers, modules }: ViewParts,
  name: string,
  nowMs: number,
): VolunteerView['at'] {
  const known = volunteers.known(name)
  const report = known?.volunteer.report
  if (known == null || report == null) return null
  const { volunteer } = known
  return {
    capacity: capacityOf(volunteer),
    measured: volunteer.measured,
    clientRate: report.clientRate,
    syncRate: report.syncRate,
    flows: report.flows,
    predicted: predictedRate(volunteer, nowMs),
    load: relativeLoad(volunteer, nowMs),
    modules: known.modules.map(({ module, through, following }) => {
      const newest = modules.get(module)?.current?.head.sequence ?? 0
      return { module, through, behind: Math.max(0, newest - (through ?? following)) }
    }),
  }
}

/** What an admin should look at, in words. */
function alarmsOf(
  volunteers: readonly VolunteerView[],
  modules: readonly ModuleStatus[],
  failures: ReadonlyMap<string, string>,
  nowMs: number,
): string[] {
  const alarms: string[] = []
  for (const [module, what] of failures) alarms.push(`${module} is not published: ${what}`)
  for (const { module, expires } of modules)
    if (expires * 1000 <= nowMs) alarms.push(`the snapshot of ${module} has expired`)
  for (const { name, state, why } of volunteers) {
    if (state === 'quarantined' || state === 'suspect') alarms.push(`${name} is ${state}: ${why}`)
    if (state === 'away') alarms.push(`${name} is away`)
  }
  return alarms
}

function clientRatesOf({ volunteers }: Volunteers): CentreView['clientRates'] {
  const seen = volunteers.flatMap(({ report }) => report?.observed ?? [])
  if (seen.length === 0) return null
  const sorted = Float64Array.from(seen).sort()
  const at = (part: number): number => sorted[Math.floor(part * sorted.length)] ?? 0
  return { p5: at(0.05), p50: at(0.5) }
}

function sumOf(counted: readonly { readonly count: number }[]): number {
  return counted.reduce((sum, { count }) => sum + count, 0)
}
