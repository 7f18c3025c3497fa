/** An entry as --list-only has it: `-rw-r--r--          3,000 2026/11/30 12:00:00 name`. rsync(1) --list-only. */
import type { SyncEvents } from '../app/sync-events.js'
import type { Options } from '../options/options.js'
import { formatNumber } from './numbers.js'
import { modeText, timeText } from './out-format.js'

export function listLine(
  entry: Parameters<SyncEvents['listed']>[0],
  { humanReadable, links, atimes }: Pick<Options, 'humanReadable' | 'links' | 'atimes'>,
): string {
  const { kind, size, mtimeNs } = entry.stands
  const name = entry.name === '' ? '.' : entry.name
  if (entry.isMissing) return `*missing${' '.repeat(25)}${name}`
  const width = humanReadable === 0 ? 11 : 14
  const amount = formatNumber(size, humanReadable).padStart(width)
  const target = kind === 'symlink' && links ? ` -> ${entry.target}` : ''
  // Directories are looked into, and have none.
  const used = kind === 'directory' ? NO_TIME : timeText(entry.atimeNs)
  const times = atimes ? `${timeText(mtimeNs)} ${used}` : timeText(mtimeNs)
  return `${modeText(kind, entry.mode)} ${amount} ${times} ${name}${target}`
}

const NO_TIME = ' '.repeat(19)
