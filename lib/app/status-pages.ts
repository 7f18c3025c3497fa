/** The status pages as HTML, from values: overview, volunteers, swarm, file. Whatever has a name from outside is escaped here. */
import type { CentreView, VolunteerView } from './centre-view.js'
import type { FileView } from './file-view.js'
import { html, sizeText } from './html-page.js'
import type { ModuleStatus, NodeStatus } from './module-status.js'
import { bar, card, count, hourChart, pill, since, table, timeText } from './status-parts.js'

/** @param root what leads from the page to the centre's own `/` */
export function overviewPage(view: CentreView, root: string): string {
  const { delivery, clientRates, evenness, volunteers, modules } = view
  const serving = volunteers.filter(({ state }) => state === 'fresh').length
  const cards = [
    card(percent(delivery.offload), 'of the bytes from volunteers'),
    card(count(delivery.redirects), 'redirects'),
    card(count(delivery.direct), 'answered here'),
    card(`${serving} / ${volunteers.length}`, 'volunteers serve'),
    card(evenness === null ? '–' : evenness.toFixed(2), 'evenness of their load (Jain)'),
    card(microseconds(delivery.decisionUs.p95), 'for 95 % of the decisions'),
    card(rate(clientRates?.p50 ?? null), 'what clients get, in the middle'),
    card(rate(clientRates?.p5 ?? null), 'what 95 % of the clients get'),
  ]
  return [
    alarms(view.alarms),
    `<div class="cards">${cards.join('')}</div>`,
    '<h2>The last hour</h2>',
    hourChart(delivery.minutes),
    `<div class="key"><span><i class="ka"></i>${sizeText(delivery.bytesAway)} from volunteers</span><span><i class="kh"></i>${sizeText(delivery.bytesHere)} from here, since ${timeText(view.started)}</span></div>`,
    '<h2>Modules</h2>',
    table(
      ['Module', 'Snapshot', 'Files', 'Size', 'Published', 'Nodes', 'Given here'],
      modules.map((each) => moduleRow(each, view.time, root)),
    ),
  ].join('\n')
}

export function volunteersPage(view: CentreView): string {
  const { volunteers } = view
  if (volunteers.length === 0)
    return '<p>Nobody was invited: <code>prsync volunteer invite NAME</code> begins.</p>'
  return [
    alarms(view.alarms),
    table(
      ['Volunteer', 'State', 'Load', 'Sends', 'One more gets', 'Redirects', 'Came back', 'Audits'],
      volunteers.map(volunteerRow),
    ),
  ].join('\n')
}

/** @param given how much each sent and got, as the nodes themselves reported */
export function swarmPage(status: ModuleStatus, now: number): string {
  const { nodes, sequence, given, swarm } = status
  const complete = nodes.filter(({ through }) => through !== null && through >= sequence).length
  const sent = nodes.reduce((sum, node) => sum + node.bytesSent, 0)
  const cards = [
    card(`${sequence}`, `snapshot, ${since(now - status.time)} old`),
    card(`${complete} / ${nodes.length}`, 'connected nodes have it whole'),
    card(`${swarm.seeds} + ${swarm.leeches}`, 'seeds and others, by the tracker'),
    card(sizeText(given.wire), 'from here to nodes, by the swarm'),
    card(sizeText(given.http), 'from here over HTTP'),
    card(sizeText(given.torrents), 'from here to BitTorrent clients'),
    card(sizeText(sent), 'from connected nodes to others'),
  ]
  const part = nodes.length === 0 ? 0 : complete / nodes.length
  return [
    `<h1>${html(status.module)}</h1>`,
    `<div class="cards">${cards.join('')}</div>`,
    `<div class="done">${bar(part)}</div>`,
    '<h2>Nodes</h2>',
    nodes.length === 0
      ? '<p class="fine">Nobody is connected.</p>'
      : table(
          ['Node', 'Has', 'Gets', 'Got', 'Sends', 'Sent', 'Said'],
          nodes.map((node) => nodeRow(node, sequence)),
        ),
  ].join('\n')
}

export function filePage(view: FileView, root: string): string {
  const { module, name, holders, reporting, kind } = view
  const at = `${root}status/file/${module}/`
  const steps = view.href.split('/').slice(0, -1)
  const shown = name.split('/')
  const above = steps.map(
    (_, i) =>
      `<a href="${at}${html(steps.slice(0, i + 1).join('/'))}">${html(shown[i] ?? '')}</a> / `,
  )
  const crumbs = `<a href="${at}">${html(module)}</a> / ${above.join('')}${html(shown.at(-1) ?? '')}`
  const facts =
    kind === 'file'
      ? [
          card(`${holders.length} / ${reporting}`, 'volunteers that report have it'),
          ...replicasCard(view),
          card(sizeText(view.size), 'size'),
          card(`${view.since ?? '–'}`, 'snapshot in which it came'),
        ]
      : [card(count(view.entries.length), 'entries'), card(count(reporting), 'volunteers report')]
  return [
    `<h1>${crumbs}</h1>`,
    `<div class="cards">${facts.join('')}</div>`,
    view.root === null ? '' : `<p class="fine w">Pieces root ${view.root}</p>`,
    kind === 'file'
      ? `<p><a href="${root}${module}/${html(view.href)}">Get it</a> · <a href="${root}${module}/${html(view.href)}?why">Where would I be sent, and why?</a></p>`
      : '',
    holders.length === 0
      ? ''
      : `<h2>Who has it</h2><p>${holders.map(({ name, state }) => pill(state, name)).join(' ')}</p>`,
    view.entries.length === 0 ? '' : entriesOf(view, at),
    '<h2>Where clients were sent lately</h2>',
    decisionsOf(view),
  ].join('\n')
}

/** Of wanted replicas; those that are not there yet may be on their way. */
function replicasCard({ replicas }: FileView): string[] {
  if (replicas === null) return []
  const { wanted, placed, present } = replicas
  const onWay = placed > present ? `, ${placed - present} more told to fetch it` : ''
  return [
    card(`${present} / ${wanted}`, `wanted replicas are there, on volunteers with a quota${onWay}`),
  ]
}

function entriesOf({ entries }: FileView, at: string): string {
  const rows = entries.map(({ name, href, kind, size, holders }) => [
    `<a href="${at}${html(href)}">${html(name)}${kind === 'directory' ? '/' : ''}</a>`,
    kind === 'file' ? sizeText(size) : '',
    holders === null ? '' : `${holders}`,
  ])
  return `<h2>In it</h2>${table(['Name', 'Size', 'Holders'], rows)}`
}

function decisionsOf({ decisions, kind }: FileView): string {
  if (decisions.length === 0) return '<p class="fine">Nobody asked for it.</p>'
  const isOne = kind !== 'directory'
  const rows = decisions.map(({ time, client, volunteer, reason, file }) => [
    ...(isOne ? [] : [html(file)]),
    timeText(time),
    html(client),
    volunteer === null ? 'here' : html(volunteer),
    html(reason),
  ])
  return table([...(isOne ? [] : ['File']), 'When (UTC)', 'Client', 'To', 'Why'], rows)
}

function moduleRow(module: ModuleStatus, now: number, root: string): string[] {
  const { given, swarm, nodes } = module
  const name = html(module.module)
  const expired = module.expires <= now ? ' <span class="pill quarantined">expired</span>' : ''
  return [
    `<a href="${root}status/file/${name}/">${name}</a>${expired}`,
    `${module.sequence}`,
    count(module.files),
    sizeText(module.bytes),
    `${since(now - module.time)} ago`,
    `<a href="${root}status/swarm/${name}">${nodes.length} connected, ${swarm.seeds + swarm.leeches} tracked</a>`,
    sizeText(given.wire + given.http + given.torrents),
  ]
}

function volunteerRow({
  name,
  baseUrl,
  state,
  why,
  secondsAgo,
  at,
  tally,
}: VolunteerView): string[] {
  const behind = at?.modules.filter((each) => each.behind > 0) ?? []
  const lag = behind.map((each) => `${html(each.module)}: ${each.behind} behind`)
  const told = [why, ...(secondsAgo === null ? [] : [`reported ${since(secondsAgo)} ago`])]
  const url = baseUrl === null ? '' : `<span class="d w">${html(baseUrl)}</span>`
  const acts = ['quarantine', 'drain', 'release', 'remove']
    .map((act) => `<button type="button" data-act="${act}">${act}</button>`)
    .join('')
  const { right, wrong } = tally.audits
  return [
    `<strong>${html(name)}</strong>${url}<span class="acts" data-name="${html(name)}">${acts}</span>`,
    `<span>${pill(state, state)}<span class="d">${[...told.filter((t) => t !== '').map(html), ...lag].join(', ')}</span></span>`,
    at === null ? '–' : `<span>${percent(at.load)} of ${rate(at.capacity)}${bar(at.load)}</span>`,
    at === null
      ? '–'
      : `<span>${rate(at.clientRate)}<span class="d">${at.flows} clients, ${rate(at.syncRate)} to nodes</span></span>`,
    at === null ? '–' : rate(at.predicted),
    `<span>${count(tally.redirects)}<span class="d">${sizeText(tally.bytes)}</span></span>`,
    `${tally.bounces + tally.retries}`,
    wrong > 0 ? `<strong class="quarantined">${wrong} wrong</strong>` : `${right}`,
  ]
}

function nodeRow(node: NodeStatus, sequence: number): string[] {
  const isWhole = node.through !== null && node.through >= sequence
  return [
    html(node.address),
    isWhole
      ? pill('fresh', 'all')
      : pill('draining', node.through === null ? 'nothing' : `${node.through}`),
    rate(node.receiveRate),
    sizeText(node.bytesReceived),
    rate(node.sendRate),
    sizeText(node.bytesSent),
    `${since(node.secondsAgo)} ago`,
  ]
}

function alarms(texts: readonly string[]): string {
  if (texts.length === 0) return '<p class="fine">No alarms.</p>'
  return `<ul class="alarms">${texts.map((text) => `<li>${html(text)}</li>`).join('')}</ul>`
}

function percent(part: number | null): string {
  return part === null ? '–' : `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`
}
function rate(bytes: number | null): string {
  return bytes === null ? '–' : `${sizeText(Math.round(bytes))}/s`
}
function microseconds(us: number | null): string {
  if (us === null) return '–'
  return us < 1000 ? `≤ ${us} µs` : `≤ ${us / 1000} ms`
}
