/** The figures at the end of a run, line by line. rsync(1) --stats; bytes of a copy within this machine are estimates. */
import type { Counts, SyncReport } from '../app/sync-events.js'
import type { Options } from '../options/options.js'
import { formatFraction, formatNumber } from './numbers.js'

/** Bytes that rsync would have sent, and received. */
export type Wire = { readonly sent: number; readonly received: number }

/** An entry of a list beside its name, a token of 32 KiB, a file's head and sum; what asks for a file, and greets. */
const ENTRY_BYTES = 16
const TOKEN_BYTES = 4
const FILE_BYTES = 28
const ASKING_BYTES = 8
const GREETING_BYTES = 30

/** What asks for a file: how its blocks were cut. */
export const SUM_HEAD_BYTES = 16
/** Its number and what is told of it, as long as they follow each other closely. */
const ITEM_BYTES = 3

/** A whole file on rsync's wire: its number, the head, tokens with an end, the sum. prsync-protocol(7). */
export function fileWire(size: number, sumBytes: number): number {
  const tokens = Math.ceil(size / 32_768) + 1
  return ITEM_BYTES + SUM_HEAD_BYTES + size + tokens * TOKEN_BYTES + sumBytes
}

const SUM_BYTES: Readonly<Record<string, number>> = {
  xxh64: 8,
  xxhash: 8,
  xxh3: 8,
  sha1: 20,
  none: 1,
}
/** @param choice of --checksum-choice: the first name is for files that are copied */
export function fileSumBytes(choice: string | null): number {
  return SUM_BYTES[choice?.split(',')[0] ?? ''] ?? 16
}

/** What went over the connection; else as much as the same copy costs between two processes. */
export function wireOf(report: SyncReport): Wire {
  if (report.wire !== null) return report.wire
  const { listed, transferred, literal, nameBytes } = report
  const entries = totalOf(listed)
  const tokens = Math.ceil(literal / 32_768)
  return {
    sent:
      GREETING_BYTES +
      nameBytes +
      entries * ENTRY_BYTES +
      literal +
      tokens * TOKEN_BYTES +
      transferred * FILE_BYTES,
    received: GREETING_BYTES + (transferred + totalOf(report.created)) * ASKING_BYTES,
  }
}

/** `--stats`, `--info=stats2`. */
export function statsLines(report: SyncReport, wire: Wire, o: Options, listMs: number): string[] {
  const n = (value: number): string => formatNumber(value, o.humanReadable)
  const protocol = report.wire?.protocol ?? o.protocol ?? Number.POSITIVE_INFINITY
  const made = `Number of created files: ${countsText(report.created, n)}`
  const gone = `Number of deleted files: ${countsText(report.deleted, n)}`
  return [
    `Number of files: ${countsText(report.listed, n)}`,
    // Old protocols do not tell a sender.
    ...(protocol < 29 ? [] : [made]),
    ...(protocol < 31 ? [] : [gone]),
    `Number of regular files transferred: ${n(report.transferred)}`,
    `Total file size: ${n(report.totalBytes)} bytes`,
    `Total transferred file size: ${n(report.transferredBytes)} bytes`,
    `Literal data: ${n(report.literal)} bytes`,
    `Matched data: ${n(report.matched)} bytes`,
    // No list is sent from one end of a local copy to the other.
    `File list size: ${n(0)}`,
    `File list generation time: ${(Math.max(1, listMs) / 1000).toFixed(3)} seconds`,
    'File list transfer time: 0.000 seconds',
    `Total bytes sent: ${n(wire.sent)}`,
    `Total bytes received: ${n(wire.received)}`,
  ]
}

/** The two lines of -v. */
export function summaryLines(report: SyncReport, wire: Wire, o: Options, ms: number): string[] {
  const level = o.humanReadable
  const all = wire.sent + wire.received
  // rsync counts whole seconds, and half of one.
  const rate = all / (0.5 + Math.floor(ms / 1000))
  const speedup = report.totalBytes / Math.max(1, all)
  return [
    `sent ${formatNumber(wire.sent, level)} bytes  received ${formatNumber(wire.received, level)} bytes  ${formatFraction(rate, level)} bytes/sec`,
    `total size is ${formatNumber(report.totalBytes, level)}  speedup is ${formatFraction(speedup, Math.min(1, level))}${o.batch?.kind === 'only-write' ? ' (BATCH ONLY)' : o.dryRun ? ' (DRY RUN)' : ''}`,
  ]
}

function totalOf({ file, directory, symlink, device, special }: Counts): number {
  return file + directory + symlink + device + special
}

function countsText(counts: Counts, n: (value: number) => string): string {
  const parts = [
    ['reg', counts.file],
    ['dir', counts.directory],
    ['link', counts.symlink],
    ['dev', counts.device],
    ['special', counts.special],
  ] as const
  const total = totalOf(counts)
  const shown = parts
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${word}: ${n(count)}`)
  return shown.length === 0 ? n(total) : `${n(total)} (${shown.join(', ')})`
}
