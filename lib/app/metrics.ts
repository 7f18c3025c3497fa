/** `/metrics` of a centre, in the text format of Prometheus, version 0.0.4. Each name is told of in prsync-metrics(5). */
import { DECISION_BOUNDS_US } from '../mirror/deliveries.js'
import { type CentreView, centreView, type ViewParts } from './centre-view.js'

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number]
type Metric = {
  readonly name: string
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  readonly samples: readonly Sample[]
}

export function formatMetrics(parts: ViewParts): string {
  const view = centreView(parts)
  const metrics = [
    ...deliveryMetrics(parts, view),
    ...volunteerMetrics(view),
    ...reportMetrics(view),
    ...moduleMetrics(view),
  ]
  return metrics.map(text).join('') + decisionHistogram(parts)
}

function deliveryMetrics({ deliveries }: ViewParts, view: CentreView): Metric[] {
  const { started, evenness, delivery } = view
  return [
    gauge('prsync_start_time_seconds', 'When the centre started.', [[{}, started]]),
    counter(
      'prsync_redirects_total',
      'Clients sent to a volunteer.',
      deliveries.redirects.map(({ labels, count }) => [labels, count]),
    ),
    counter(
      'prsync_direct_total',
      'Files that the centre answered itself.',
      deliveries.direct.map(({ labels: reason, count }) => [{ reason }, count]),
    ),
    counter('prsync_offload_bytes_total', 'Bytes of files that clients were sent elsewhere for.', [
      [{}, delivery.bytesAway],
    ]),
    counter('prsync_direct_bytes_total', 'Bytes of files that the centre gave itself.', [
      [{}, delivery.bytesHere],
    ]),
    gauge(
      'prsync_load_fairness',
      "Jain's index of the volunteers' load.",
      evenness === null ? [] : [[{}, evenness]],
    ),
    gauge('prsync_alarms', 'What an admin should look at.', [[{}, view.alarms.length]]),
  ]
}

type Volunteers = CentreView['volunteers']

/** Null: nothing is known of it. */
function byVolunteer(
  volunteers: Volunteers,
  value: (of: Volunteers[number]) => number | null,
): Sample[] {
  return volunteers.flatMap((of): Sample[] => {
    const found = value(of)
    return found === null ? [] : [[{ volunteer: of.name }, found]]
  })
}

/** What the centre saw of volunteers. */
function volunteerMetrics({ volunteers }: CentreView): Metric[] {
  const states = ['invited', 'away', 'untried', 'fresh', 'suspect', 'quarantined', 'draining']
  const each = (value: (of: Volunteers[number]) => number | null): Sample[] =>
    byVolunteer(volunteers, value)
  const audits = volunteers.flatMap(({ name: volunteer, tally }): Sample[] => [
    [{ volunteer, result: 'right' }, tally.audits.right],
    [{ volunteer, result: 'wrong' }, tally.audits.wrong],
  ])
  return [
    gauge(
      'prsync_volunteers',
      'Volunteers by state.',
      states.map((state) => [{ state }, volunteers.filter((v) => v.state === state).length]),
    ),
    gauge(
      'prsync_volunteer_quarantined',
      '1: no clients are sent there until an admin releases it.',
      each(({ state }) => (state === 'quarantined' ? 1 : 0)),
    ),
    counter(
      'prsync_volunteer_redirects_total',
      'Clients sent there.',
      each((v) => v.tally.redirects),
    ),
    counter(
      'prsync_volunteer_offload_bytes_total',
      'Bytes of the files that they were sent for.',
      each((v) => v.tally.bytes),
    ),
    counter(
      'prsync_volunteer_bounces_total',
      'Clients that it sent back.',
      each((v) => v.tally.bounces),
    ),
    counter(
      'prsync_volunteer_retries_total',
      'Clients that came back by themselves.',
      each((v) => v.tally.retries),
    ),
    counter('prsync_volunteer_audits_total', 'Ranges read there and compared.', audits),
  ]
}

/** What volunteers report. */
function reportMetrics({ volunteers }: CentreView): Metric[] {
  const each = (value: (of: Volunteers[number]) => number | null): Sample[] =>
    byVolunteer(volunteers, value)
  const capacities = volunteers.flatMap(({ name: volunteer, uplink, at }): Sample[] => [
    ...(uplink === null ? [] : [[{ volunteer, kind: 'declared' }, uplink] as const]),
    ...(at?.measured == null ? [] : [[{ volunteer, kind: 'measured' }, at.measured] as const]),
    ...(at === null ? [] : [[{ volunteer, kind: 'believed' }, at.capacity] as const]),
  ])
  return [
    gauge(
      'prsync_volunteer_report_age_seconds',
      'Since its last report.',
      each((v) => v.secondsAgo),
    ),
    gauge('prsync_volunteer_capacity_bytes', 'What it can send, a second.', capacities),
    gauge(
      'prsync_volunteer_client_rate_bytes',
      'What it sends to clients, a second.',
      each(({ at }) => at?.clientRate ?? null),
    ),
    gauge(
      'prsync_volunteer_sync_rate_bytes',
      'What it sends to other nodes, a second.',
      each(({ at }) => at?.syncRate ?? null),
    ),
    gauge(
      'prsync_volunteer_flows',
      'Clients that it serves now.',
      each(({ at }) => at?.flows ?? null),
    ),
    gauge(
      'prsync_volunteer_load',
      '1: all that it can send.',
      each(({ at }) => at?.load ?? null),
    ),
    gauge(
      'prsync_volunteer_behind',
      'Snapshots that it lacks.',
      volunteers.flatMap(({ name: volunteer, at }): Sample[] =>
        (at?.modules ?? []).map(({ module, behind }) => [{ volunteer, module }, behind]),
      ),
    ),
  ]
}

function moduleMetrics({ modules, time }: CentreView): Metric[] {
  type Module = (typeof modules)[number]
  const each = (value: (of: Module) => number): Sample[] =>
    modules.map((of) => [{ module: of.module }, value(of)])
  const by = (key: string, values: (of: Module) => Readonly<Record<string, number>>): Sample[] =>
    modules.flatMap((of): Sample[] =>
      Object.entries(values(of)).map(([name, n]) => [{ module: of.module, [key]: name }, n]),
    )
  return [
    gauge(
      'prsync_module_sequence',
      'Of the current snapshot.',
      each((m) => m.sequence),
    ),
    gauge(
      'prsync_module_head_age_seconds',
      'Since it was made.',
      each((m) => time - m.time),
    ),
    gauge(
      'prsync_module_head_expires_seconds',
      'Until it is worth nothing; below zero: since then.',
      each((m) => m.expires - time),
    ),
    gauge(
      'prsync_module_files',
      'Files in it.',
      each((m) => m.files),
    ),
    gauge(
      'prsync_module_bytes',
      'Bytes of its files.',
      each((m) => m.bytes),
    ),
    gauge(
      'prsync_module_nodes',
      'Nodes on the control channel.',
      each((m) => m.nodes.length),
    ),
    gauge(
      'prsync_module_peers',
      'Peers by role, as the tracker counts them.',
      by('role', (m) => m.swarm),
    ),
    counter(
      'prsync_module_given_bytes_total',
      'Bytes that the centre gave, by way.',
      by('way', (m) => m.given),
    ),
  ]
}

function decisionHistogram({ deliveries }: ViewParts): string {
  const { counts, sumUs } = deliveries.decisionTimes
  const name = 'prsync_decision_seconds'
  let below = 0
  const lines = counts.map((count, i) => {
    below += count
    const bound = DECISION_BOUNDS_US[i]
    return `${name}_bucket{le="${bound === undefined ? '+Inf' : bound / 1e6}"} ${below}\n`
  })
  const head = `# HELP ${name} From the request to the answer's head.\n# TYPE ${name} histogram\n`
  return `${head}${lines.join('')}${name}_sum ${sumUs / 1e6}\n${name}_count ${below}\n`
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, kind: 'counter', help, samples }
}
function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, kind: 'gauge', help, samples }
}

function text({ name, kind, help, samples }: Metric): string {
  const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))
    return `${name}="${escaped}"`
  })
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}
