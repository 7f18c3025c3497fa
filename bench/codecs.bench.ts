/**
 * rsync's file lists and tokens through our codecs: microseconds for an entry, and compressors beside plain tokens.
 * Run: node dist/bench/codecs.bench.js [--tiny]. `--tiny` only shows that it runs.
 */
import { readFileSync } from 'node:fs'
import { Cursor, Writer } from '../lib/base/bytes.js'
import type { WireEntry } from '../lib/wire/file-entry.js'
import { ListDecoder } from '../lib/wire/list-decoder.js'
import { ListEncoder } from '../lib/wire/list-encoder.js'
import { sortList } from '../lib/wire/list-order.js'
import { COMPRESSORS } from '../lib/wire/negotiate.js'
import { COMPAT, type CompressorName, type Terms } from '../lib/wire/terms.js'
import { openTokenDecoder, openTokenEncoder } from '../lib/wire/tokens.js'
import { ALL_OPTIONS, wireEntry } from '../test/support/wire-entries.js'

const tiny = process.argv.includes('--tiny')
const ENTRIES = tiny ? 1000 : 300_000
const BYTES = tiny ? 1 << 16 : 1 << 25
const RUNS = tiny ? 1 : 3
const BLOCK = 700

/** The best of some runs, in ms. */
function best(act: () => void): number {
  let ms = Number.POSITIVE_INFINITY
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now()
    act()
    ms = Math.min(ms, performance.now() - start)
  }
  return ms
}

function termsOf(protocol: number, compressor: CompressorName | null): Terms {
  const compat = protocol < 30 ? 0 : COMPAT.varFlags
  const checksum = 'md5'
  return { protocol, compat, seed: 1, checksum, listChecksum: checksum, compressor }
}
function entryOf(i: number): WireEntry {
  const of = Math.floor(i / 50)
  const name = `pool/main/p${of % 97}/package-${of}/file-${i % 50}_1.${i}.tar.xz`
  const entry = wireEntry(name, 'file')
  const mtimeNs = 1_700_000_000_000_000_000n + BigInt(i) * 1_234_567_891n
  return { ...entry, stands: { ...entry.stands, size: i * 977, mtimeNs, uid: 1000 + (i % 3) } }
}

function lists(protocol: number): void {
  const terms = termsOf(protocol, null)
  const entries = Array.from({ length: ENTRIES }, (_, i) => entryOf(i))
  let bytes: Uint8Array = new Uint8Array(0)
  const encode = best(() => {
    const w = new Writer(1 << 20)
    const encoder = new ListEncoder(terms, ALL_OPTIONS)
    encoder.begin(0)
    for (const entry of entries) encoder.entry(w, entry)
    encoder.end(w, 0)
    bytes = w.done()
  })
  let read: WireEntry[] = []
  const decode = best(() => {
    read = []
    const decoder = new ListDecoder(terms, ALL_OPTIONS)
    const c = new Cursor(bytes)
    decoder.begin(0)
    for (let entry = decoder.read(c); entry !== null; entry = decoder.read(c)) read.push(entry)
  })
  const sort = best(() => {
    sortList(read, protocol)
  })
  if (read.length !== ENTRIES) throw new Error('entries are lost')
  const each = (ms: number): string => `${((ms * 1000) / ENTRIES).toFixed(2)} µs`
  const size = (bytes.length / ENTRIES).toFixed(0)
  console.log(
    `protocol ${protocol}: encode ${each(encode)}, decode ${each(decode)}, sort ${each(sort)} an entry of ${size} bytes`,
  )
}

/** Half of the bytes match, in runs. */
function tokens(compressor: CompressorName | null, bytes: Uint8Array): [number, number] {
  const terms = termsOf(32, compressor)
  let sent: Uint8Array = new Uint8Array(0)
  const encode = best(() => {
    const w = new Writer(bytes.length)
    const encoder = openTokenEncoder(terms, w, null)
    encoder.begin()
    for (let at = 0; at < bytes.length; at += 1 << 16) {
      const half = at + (1 << 15)
      encoder.literal(bytes, at, half)
      for (let from = half; from + BLOCK <= half + (1 << 15); from += BLOCK)
        encoder.match(Math.floor(from / BLOCK), bytes, from, from + BLOCK)
    }
    encoder.end()
    sent = w.done()
  })
  const block = new Uint8Array(BLOCK)
  const decode = best(() => {
    const decoder = openTokenDecoder(terms)
    decoder.begin(() => block)
    const nothing = (): void => undefined
    const isEnd = decoder.read(new Cursor(sent), { literal: nothing, match: nothing })
    if (!isEnd && compressor !== 'zlib') throw new Error('tokens without an end')
  })
  return [encode, decode]
}

for (const protocol of [29, 32]) lists(protocol)
const program = readFileSync(process.execPath)
const bytes = new Uint8Array(BYTES)
for (let at = 0; at < BYTES; at += program.length) bytes.set(program.subarray(0, BYTES - at), at)
const [plainEncode, plainDecode] = tokens(null, bytes)
for (const compressor of COMPRESSORS) {
  const [encode, decode] = tokens(compressor, bytes)
  const speed = (ms: number): string => `${(BYTES / 2000 / ms).toFixed(0)} MB/s`
  console.log(
    `${compressor.padEnd(6)} encode ${speed(encode)} (plain / it ${(plainEncode / encode).toFixed(3)}), decode ${speed(decode)} (${(plainDecode / decode).toFixed(3)})`,
  )
}
