/** Option values → what they mean. */
import { UsageError } from '../base/errors.js'
import { parseRate } from '../options/units.js'

/** `ADDR:PORT`, `[v6]:PORT`, `:PORT`. */
export function addressOf(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65535)
    throw new UsageError(`not an address: ${text} (as in 0.0.0.0:8730)`)
  return { host: match[1] ?? (match[2] === '' ? '0.0.0.0' : (match[2] ?? '')), port }
}

/** A rate as rsync(1) --bwlimit has it: KiB a second, or with a suffix → bytes a second; 0 is no limit. */
export function rateOf(text: string | undefined, option: string): number | null {
  return text === undefined ? null : parseRate(text, option) || null
}

/** For an option that may be given again: all that were. */
export function collected(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}
