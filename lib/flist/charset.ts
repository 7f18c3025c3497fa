/**
 * Names in other character sets: over a wire they are UTF-8, and each side has them as its file system does. rsync(1) --iconv.
 * What cannot be converted without loss is not converted at all: whoever asks leaves the name out and says so.
 */
import iconv from 'iconv-lite'
import { bytesOf, latin1Of } from '../base/bytes.js'
import { UnsupportedError } from '../base/errors.js'

export type Charset = {
  /** One char per byte, both ways; null: there is no such name on the other side. */
  toUtf8(name: string): string | null
  fromUtf8(name: string): string | null
}

/** The two halves of `--iconv=LOCAL,REMOTE`; without a comma both are the same. */
export function parseCharsets(spec: string): { readonly local: string; readonly remote: string } {
  const comma = spec.indexOf(',')
  return comma < 0
    ? { local: spec, remote: spec }
    : { local: spec.slice(0, comma), remote: spec.slice(comma + 1) }
}

/** What `.` stands for: the codeset of the locale. @param environment of the process */
export function localeCharset(environment: {
  readonly [name: string]: string | undefined
}): string {
  const locale =
    [environment['LC_ALL'], environment['LC_CTYPE'], environment['LANG']].find(
      (name) => name !== undefined && name !== '',
    ) ?? ''
  return /\.([^@]+)/.exec(locale)?.[1] ?? 'ascii'
}

/** @param name as iconv(1) has it, or `.` or nothing for the locale's @throws {UnsupportedError} */
export function openCharset(
  name: string,
  environment: { readonly [name: string]: string | undefined },
): Charset {
  const wanted = name === '' || name === '.' ? localeCharset(environment) : name
  if (!iconv.encodingExists(wanted))
    throw new UnsupportedError(`iconv_open("UTF-8", "${wanted}") failed`)
  const own = codec(wanted)
  const wire = codec('utf8')
  return {
    toUtf8: (text) => converted(text, own, wire),
    fromUtf8: (text) => converted(text, wire, own),
  }
}

/** From one side of a local copy to the other. */
export function betweenCharsets(from: Charset, to: Charset): (name: string) => string | null {
  return (name) => {
    const wire = from.toUtf8(name)
    return wire === null ? null : to.fromUtf8(wire)
  }
}

type Codec = {
  /** Plain letters are what they are everywhere. */
  readonly isAscii: boolean
  readonly decode: (bytes: Uint8Array) => string
  readonly encode: (text: string) => Uint8Array
}

const ASCII = Array.from({ length: 126 }, (_, i) => String.fromCharCode(i + 1)).join('')
const IS_ASCII = /^[ -~]*$/

function codec(name: string): Codec {
  const encode = (text: string): Uint8Array => iconv.encode(text, name, { addBOM: false })
  return {
    isAscii: latin1Of(encode(ASCII)) === ASCII,
    decode: (bytes) => iconv.decode(bytes, name, { stripBOM: false }),
    encode,
  }
}

function converted(name: string, from: Codec, to: Codec): string | null {
  if (from.isAscii && to.isAscii && IS_ASCII.test(name)) return name
  const bytes = bytesOf(name)
  const text = from.decode(bytes)
  // What is not of the set is decoded to something else.
  if (Buffer.compare(from.encode(text), bytes) !== 0) return null
  const there = to.encode(text)
  if (to.decode(there) !== text) return null
  const result = latin1Of(there)
  // A name must not fall apart into two, or end early.
  const parts = (of: string): number => of.split('/').length
  return result.includes('\0') || parts(result) !== parts(name) ? null : result
}
