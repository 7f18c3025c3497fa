/** --iconv over a connection: names are UTF-8 there, and here as the file system has them. rsync(1); prsync-protocol(7). */
import { type ByteName, baseOf } from '../base/byte-name.js'
import type { Charset } from '../flist/charset.js'
import type { Options } from '../options/options.js'
import type { WireEntry } from '../wire/file-entry.js'

/** Null: names go as they are. @throws {UnsupportedError} on a set that is unknown */
export async function openWireCharset(
  { iconv }: Pick<Options, 'iconv'>,
  environment: { readonly [name: string]: string | undefined },
): Promise<Charset | null> {
  if (iconv === null) return null
  const { openCharset, parseCharsets } = await import('../flist/charset.js')
  return openCharset(parseCharsets(iconv).local, environment)
}

/** Text for people, words and names that nobody looks for: what cannot be converted stays. */
export function toWire(charset: Charset | null, text: string): string {
  return charset?.toUtf8(text) ?? text
}
export function fromWire(charset: Charset | null, text: string): string {
  return charset?.fromUtf8(text) ?? text
}

/** @param targets where links lead is converted too: both ends have to */
export function entryToWire(charset: Charset, entry: WireEntry, targets: boolean): WireEntry {
  const target = targets ? toWire(charset, entry.target) : entry.target
  return { ...entry, name: toWire(charset, entry.name) as ByteName, target }
}
/** What of it has no place here is named. */
export function entryFromWire(
  charset: Charset,
  entry: WireEntry,
  targets: boolean,
): WireEntry | 'name-lost' | 'target-lost' {
  const name = charset.fromUtf8(entry.name) as ByteName | null
  if (name === null) return 'name-lost'
  const target = targets ? charset.fromUtf8(entry.target) : entry.target
  if (target === null) return 'target-lost'
  return { ...entry, name, target, stands: { ...entry.stands, base: baseOf(name) } }
}

/** A sender leaves out what has no name over the wire. */
export function lackingIn(charset: Charset | null): ((text: string) => 'sender' | null) | null {
  return charset === null ? null : (text) => (charset.toUtf8(text) === null ? 'sender' : null)
}
