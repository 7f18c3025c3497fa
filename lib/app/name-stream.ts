/** Names of --files-from that go to the sender over the connection, each with a NUL behind it, an empty one at the end. */
import { bytesOf, latin1Of } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Charset } from '../flist/charset.js'
import { readNamed } from '../io/operator.js'
import { FRAMED_NAMES } from '../rsync/handshake.js'
import type { WireReader } from '../rsync/reader.js'
import type { WireWriter } from '../rsync/writer.js'
import { fromWire, toWire } from './wire-charset.js'

const PART_BYTES = 32_768

/** Of a file here. Comments in it stay: only who reads a list of its own leaves them out. */
export function readNameList(
  path: string,
  from0: boolean,
  trusted: (path: string) => string,
): readonly string[] {
  const text = readNamed(path === '-' ? path : trusted(path), null, 'files-from file ')
  return text.split(from0 ? '\0' : /[\n\r\0]/).filter((name) => name !== '')
}

/** @param charset of the names here; null: they go as they are */
export async function sendNames(
  writer: WireWriter,
  protocol: number,
  names: readonly string[],
  charset: Charset | null,
): Promise<void> {
  const whole = `${names.map((name) => `${toWire(charset, name)}\0`).join('')}\0`
  if (protocol < FRAMED_NAMES) {
    writer.unframed(bytesOf(whole))
    return await writer.flush()
  }
  for (let at = 0; at < whole.length; at += PART_BYTES) {
    writer.data.latin1(whole.slice(at, at + PART_BYTES))
    await writer.flush()
  }
}

export async function readNameStream(
  reader: WireReader,
  protocol: number,
  charset: Charset | null,
): Promise<readonly string[]> {
  const hadFrames = protocol < FRAMED_NAMES && reader.endFrames()
  const names = await readNames(reader, charset)
  if (hadFrames) reader.startFrames()
  return names
}

async function readNames(reader: WireReader, charset: Charset | null): Promise<readonly string[]> {
  const names: string[] = []
  let bytes = 0
  for (;;) {
    const name = await reader.decode((c) => {
      const end = c.bytes.indexOf(0, c.pos)
      const length = (end < 0 ? c.bytes.length : end) - c.pos
      if (length > LIMITS.nameBytes)
        throw new WireError('a name without an end', { at: 'files-from' })
      const view = c.view(length + 1)
      return latin1Of(view.subarray(0, length))
    })
    if (name === '') return names
    bytes += name.length
    if (bytes > LIMITS.nameStreamBytes) throw new WireError('too many names', { at: 'files-from' })
    names.push(fromWire(charset, name))
  }
}
