/**
 * `npm run sim`: rules of choosing beside one another, in simulated time. Prints tables in Markdown and writes plots to
 * docs/simulation/. The same seed, the same figures. docs/simulation.md says what they mean.
 * Run: node dist/bench/sim/main.js [--seed N] [--seconds N] [--files N] [--out DIR] [--only PART] [--tiny]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mean } from './figures.js'
import { ours } from './ours.js'
import { barPlot, linePlot } from './plot.js'
import { type NamedPolicy, POLICIES } from './policies.js'
import { centreAlone, perfect } from './policy.js'
import { type Figures, Run } from './run.js'
import { VolatileRun } from './volatile.js'
import { type Setting, USUAL, worldOf } from './world.js'

const argument = (name: string): string | undefined => {
  const at = process.argv.indexOf(name)
  return at > 0 ? process.argv[at + 1] : undefined
}
const tiny = process.argv.includes('--tiny')
const only = argument('--only')
const BASE: Setting = {
  ...USUAL,
  seed: Number(argument('--seed') ?? 1),
  files: Number(argument('--files') ?? (tiny ? 20_000 : USUAL.files)),
  seconds: Number(argument('--seconds') ?? (tiny ? 300 : USUAL.seconds)),
  warmUp: tiny ? 100 : USUAL.warmUp,
}
const LOADS = tiny ? [0.2, 0.95] : [0.2, 0.4, 0.6, 0.8, 0.95, 1]
const SEEDS = tiny ? [0] : [0, 1]

const out = argument('--out')
const PERFECT: NamedPolicy = { name: 'perfect information', make: perfect }
const OURS: NamedPolicy = { name: 'prsync', make: ours() }
const NO_SYNC: NamedPolicy = { name: 'prsync, sync not counted', make: ours({ countsSync: false }) }

/** The mean of two worlds. */
function figuresOf(change: Partial<Setting>, { make }: NamedPolicy): Figures {
  const all = SEEDS.map((more) => {
    const setting = { ...BASE, ...change, seed: BASE.seed + more }
    return new Run(worldOf(setting), make).go()
  })
  const of = (value: (figures: Figures) => number): number => mean(all.map(value))
  return {
    packageP50: of((f) => f.packageP50),
    packageP95: of((f) => f.packageP95),
    packageMean: of((f) => f.packageMean),
    imageMean: of((f) => f.imageMean),
    imageP95: of((f) => f.imageP95),
    jain: of((f) => f.jain),
    used: all[0]?.used ?? [],
    centrePart: of((f) => f.centrePart),
    requests: of((f) => f.requests),
    failures: of((f) => f.failures),
  }
}

function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`\n### ${title}\n`)
  for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`)
}
function write(name: string, svg: string): void {
  if (out === undefined) return
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, name), svg)
}
const seconds = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0))
const part = (value: number): string => value.toFixed(3)

const PARTS: Readonly<Record<string, () => void>> = {
  load,
  staleness,
  wrong,
  leaving,
  crowd,
  many,
  volatile,
  alone,
}
const { bytes, belowMegabyte } = worldOf(BASE)
console.log(
  `${BASE.files} files of ${(bytes / 1e12).toFixed(2)} TB, ${(belowMegabyte * 100).toFixed(1)} % of them below 1 MB`,
)
for (const [name, run] of Object.entries(PARTS)) if (only === undefined || only === name) run()

/** The seeds' two results: response times from 20 to 100 %, and the work of each volunteer at 100 %. */
function load(): void {
  const rows = POLICIES.map((policy) => ({
    name: policy.name,
    figures: LOADS.map((each) => figuresOf({ load: each }, policy)),
  }))
  const head = ['', ...LOADS.map((each) => `${each * 100} %`)]
  const show = (
    title: string,
    of: (f: Figures) => number,
    format: (value: number) => string,
  ): void =>
    table(
      title,
      head,
      rows.map(({ name, figures }) => [name, ...figures.map((f) => format(of(f)))]),
    )
  show('Packages, p95, seconds', (f) => f.packageP95, seconds)
  show('Packages, mean, seconds', (f) => f.packageMean, seconds)
  show('Images, mean of time over what the client alone would need', (f) => f.imageMean, seconds)
  show('Images, p95 of the same', (f) => f.imageP95, seconds)
  show("Volunteers' work, Jain's index", (f) => f.jain, part)
  const series = (of: (f: Figures) => number): { name: string; values: number[] }[] =>
    rows.map(({ name, figures }) => ({ name, values: figures.map(of) }))
  const x = LOADS.map((each) => each * 100)
  const xTitle = 'workload, % of what volunteers can send'
  write(
    'response.svg',
    linePlot({
      title: 'Response time of packages, p95',
      x,
      xTitle,
      yTitle: 'seconds',
      logarithmic: true,
      series: series((f) => f.packageP95),
    }),
  )
  write(
    'jain.svg',
    linePlot({
      title: "Evenness of volunteers' work (Jain's index)",
      x,
      xTitle,
      yTitle: "Jain's index",
      logarithmic: false,
      series: series((f) => f.jain),
    }),
  )
  const chosen = ['random', 'geographic', 'two choices on reports', 'prsync']
  write(
    'work.svg',
    barPlot({
      title: `Work of each volunteer at ${(LOADS.at(-1) ?? 1) * 100} % of the workload`,
      yTitle: 'part of its line that it used',
      xTitle: 'volunteers, the most used first',
      series: rows
        .filter(({ name }) => chosen.includes(name))
        .map(({ name, figures }) => ({
          name,
          values: [...(figures.at(-1)?.used ?? [])].sort((a, b) => b - a),
        })),
    }),
  )
}

function staleness(): void {
  const every = tiny ? [10] : [1, 10, 30, 60]
  const names = ['least loaded on reports', 'two choices on reports', 'prsync']
  table(
    'Packages, p95 at 80 % and at 95 %, by the time between reports',
    ['', ...every.map((each) => `${each} s`)],
    POLICIES.filter(({ name }) => names.includes(name)).map((policy) => [
      policy.name,
      ...every.map((reportEvery) =>
        [0.8, 0.95]
          .map((each) => seconds(figuresOf({ reportEvery, load: each }, policy).packageP95))
          .join(', '),
      ),
    ]),
  )
}

/** What it costs not to know: synchronization, capacities. */
function wrong(): void {
  const loads = tiny ? [0.6] : [0.6, 0.8, 0.95]
  const cases: [string, NamedPolicy, Partial<Setting>][] = [
    ['all known', OURS, {}],
    ['synchronization not counted', NO_SYNC, {}],
    ['capacities not declared, measured', OURS, { declared: false }],
    ['twice as much synchronization', OURS, { syncTime: BASE.syncTime * 2 }],
    ['the same, not counted', NO_SYNC, { syncTime: BASE.syncTime * 2 }],
  ]
  table(
    "What it costs not to know: packages' p95, seconds; images' mean; Jain's index",
    ['', ...loads.map((each) => `${each * 100} %`)],
    cases.map(([name, policy, change]) => [
      name,
      ...loads.map((each) => {
        const f = figuresOf({ ...change, load: each }, policy)
        return `${seconds(f.packageP95)}, ${seconds(f.imageMean)}, ${part(f.jain)}`
      }),
    ]),
  )
}

function leaving(): void {
  table(
    'Volunteers that go while it is measured, half of them without a word, at 60 %',
    ['go', 'packages p95', 'images mean', 'sent where nobody was', 'of requests', 'by the centre'],
    (tiny ? [0.2] : [0, 0.1, 0.25]).map((part) => {
      const f = figuresOf({ leaving: part, load: 0.6 }, OURS)
      return [
        `${part * 100} %`,
        seconds(f.packageP95),
        seconds(f.imageMean),
        f.failures.toFixed(0),
        f.requests.toFixed(0),
        `${(f.centrePart * 100).toFixed(2)} %`,
      ]
    }),
  )
}

function many(): void {
  const counts = tiny ? [100] : [40, 400, 2000, 10_000]
  table(
    "More volunteers, at 80 %: packages' p95, images' mean, Jain's index",
    ['volunteers', 'seconds', 'requests', 'prsync', 'perfect information'],
    counts.map((volunteers) => {
      // about as many requests in each
      const measured = tiny ? 20 : Math.max(20, Math.round((1200 * 40) / volunteers))
      const change = {
        volunteers,
        load: 0.8,
        warmUp: 30 + measured / 2,
        seconds: 30 + measured * 1.5,
      }
      const us = figuresOf(change, OURS)
      // it looks at every line for every client
      const best = volunteers > 400 ? null : figuresOf(change, PERFECT)
      const cell = (f: Figures | null): string =>
        f === null ? '' : `${seconds(f.packageP95)}, ${seconds(f.imageMean)}, ${part(f.jain)}`
      return [String(volunteers), String(measured), us.requests.toFixed(0), cell(us), cell(best)]
    }),
  )
}

/** A third of the time three times as much is asked for. */
function crowd(): void {
  const names = ['random by capacity', 'two choices on reports', 'prsync', 'perfect information']
  table(
    "A flash crowd, from 30 % to 90 % for a third of the time: packages' p95, images' mean and p95",
    ['', 'packages p95', 'images mean', 'images p95'],
    POLICIES.filter(({ name }) => names.includes(name)).map((policy) => {
      const f = figuresOf({ load: 0.3, crowd: tiny ? 2 : 3 }, policy)
      return [policy.name, seconds(f.packageP95), seconds(f.imageMean), seconds(f.imageP95)]
    }),
  )
}

/** Nobody else holds the new releases: what placement takes off the centre. */
function volatile(): void {
  const hours = tiny ? 4 : 48
  const cases = [
    { hosts: 20, peak: 0.1, spell: 10_800 },
    { hosts: 60, peak: 0.1, spell: 10_800 },
    { hosts: 60, peak: 0.1, spell: 1200 },
    { hosts: 60, peak: 0.3, spell: 10_800 },
    { hosts: 60, peak: 0.6, spell: 10_800 },
    { hosts: 200, peak: 0.1, spell: 10_800 },
  ]
  table(
    'Flash crowds and volunteers that come and go',
    [
      'volunteers',
      'there and away, minutes',
      'peak',
      'off the centre',
      'less what it seeds',
      'updates p95, seconds',
      'cut',
    ],
    (tiny ? cases.slice(0, 1) : cases).map((each) => {
      const f = new VolatileRun({ seed: BASE.seed, hours, places: true, ...each }).go()
      const percent = (value: number): string => `${(value * 100).toFixed(1)} %`
      return [
        String(each.hosts),
        String(each.spell / 60),
        `${each.peak * 100} %`,
        percent(f.offCentre),
        percent(f.offCentreSeeded),
        seconds(f.updateP95),
        String(f.cut),
      ]
    }),
  )
}

function alone(): void {
  table(
    'The centre alone, 1 Gbit/s, the same clients',
    ['workload', 'packages p95', 'images mean'],
    (tiny ? [0.05] : [0.05, 0.1, 0.2]).map((each) => {
      const f = figuresOf({ load: each }, { name: 'centre', make: centreAlone })
      return [`${each * 100} %`, seconds(f.packageP95), seconds(f.imageMean)]
    }),
  )
}
