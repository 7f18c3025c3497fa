/** What a pull shows: one calm line on a terminal, itemized lines when asked, nothing in cron. */
import { stripVTControlCharacters } from 'node:util'
import chalk, { Chalk, type ChalkInstance } from 'chalk'
import type { Ora } from 'ora'
import type { PullEvents, PullReport, PullState } from '../app/pull-report.js'
import { displayName } from '../base/byte-name.js'
import { limitsText } from './limits-text.js'

/** The rate shown is that of so long. */
const RATE_MS = 5000

export type ScreenChoice = {
  readonly items: boolean
  /** Names alone, without the eleven characters. */
  readonly bare: boolean
  readonly progress: boolean
  readonly verbose: boolean
  readonly color: boolean
}

export class PullScreen implements PullEvents {
  readonly #choice: ScreenChoice
  readonly #paint: ChalkInstance
  readonly #line: Ora | null
  #phase = ''
  readonly #seen: { readonly at: number; readonly bytes: number }[] = []

  private constructor(choice: ScreenChoice, line: Ora | null) {
    this.#choice = choice
    this.#line = line
    // no-color.org: any value that is not empty
    const isPlain = !choice.color || (process.env['NO_COLOR'] ?? '') !== ''
    this.#paint = isPlain ? new Chalk({ level: 0 }) : chalk
  }

  /** What draws a line takes as long to load as all the rest: only where there is one. */
  static async open(choice: ScreenChoice): Promise<PullScreen> {
    if (!process.stderr.isTTY && !choice.progress) return new PullScreen(choice, null)
    const { default: ora } = await import('ora')
    const line = ora({ stream: process.stderr, discardStdin: false }).start()
    return new PullScreen(choice, line)
  }

  phase(name: string): void {
    this.#phase = name
    if (this.#line !== null) this.#line.text = name
  }

  busy(who: string): void {
    if (this.#choice.verbose)
      process.stderr.write(`prsync: another pull has this tree (process ${who}); nothing done\n`)
  }

  limited(lacks: readonly string[]): void {
    this.#line?.clear()
    process.stderr.write(limitsText(lacks))
  }

  noPeers(): void {
    this.#line?.clear()
    process.stderr.write(
      'prsync: no node and no wire of the centre could be reached: everything came over HTTP (--no-peers if that is meant)\n',
    )
  }

  item(line: string, name: string): void {
    if (!this.#choice.items) return
    const deleting = line.startsWith('*')
    const prefix = this.#choice.bare ? (deleting ? 'deleting ' : '') : `${line} `
    this.#line?.clear()
    process.stdout.write(`${prefix}${displayName(name)}\n`)
  }

  progress(report: PullReport, state: PullState): void {
    if (this.#line === null) return
    const { peers, centre } = report.bytes
    const percent =
      state.bytesTotal === 0 ? 0 : Math.floor((100 * state.bytesDone) / state.bytesTotal)
    const parts = [
      this.#phase,
      `${percent}%`,
      `${state.filesDone}/${state.filesTotal} files`,
      ...this.#speed(state),
      `${this.#paint.green(short(peers))} of peers`,
      `${this.#paint.yellow(short(centre))} of the centre`,
      `${state.peers} connected`,
    ]
    // What does not fit goes, the last first: a line that wraps is not calm.
    const room = (process.stderr.columns ?? 80) - 3
    while (parts.length > 2 && stripVTControlCharacters(parts.join('  ')).length > room) parts.pop()
    this.#line.text = parts.join('  ')
  }

  /** Rate of the last seconds, and what is left at it. */
  #speed(state: PullState): string[] {
    const now = performance.now()
    this.#seen.push({ at: now, bytes: state.bytesDone })
    while (this.#seen.length > 2 && now - (this.#seen[0]?.at ?? now) > RATE_MS) this.#seen.shift()
    const [first] = this.#seen
    const seconds = first === undefined ? 0 : (now - first.at) / 1000
    const rate = seconds > 0 ? (state.bytesDone - (first?.bytes ?? 0)) / seconds : 0
    if (rate < 1) return []
    const left = Math.ceil((state.bytesTotal - state.bytesDone) / rate)
    return [`${short(Math.round(rate))}/s`, clock(left)]
  }

  finish(): void {
    this.#line?.stop()
  }

  stats({ files, bytes, seconds, sequence }: PullReport): string {
    const row = (what: string, value: number): string =>
      `${what}: ${value.toLocaleString('en-US')}\n`
    return [
      row('Sequence', sequence),
      row('Number of files kept', files.kept),
      row('Number of files cloned', files.cloned),
      row('Number of files fetched', files.fetched),
      row('Number of files deleted', files.deleted),
      row('Bytes wanted', bytes.wanted),
      row('Bytes cloned here', bytes.cloned),
      row('Bytes assembled here', bytes.assembled),
      row('Bytes by delta', bytes.delta),
      row('Bytes from peers', bytes.peers),
      row('Bytes from the centre', bytes.centre),
      row('Bytes of metadata', bytes.metadata),
      row('Bytes wasted', bytes.wasted),
      `Seconds: ${seconds.toFixed(2)}\n`,
    ].join('')
  }
}

/** h:mm:ss, as rsync shows it. */
function clock(seconds: number): string {
  const two = (n: number): string => `${n}`.padStart(2, '0')
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}
function short(bytes: number): string {
  if (bytes < 1000) return `${bytes}B`
  const units = ['K', 'M', 'G', 'T', 'P']
  let value = bytes
  let unit = ''
  for (const next of units) {
    if (value < 1000) break
    value /= 1000
    unit = next
  }
  return `${value.toFixed(2)}${unit}`
}
