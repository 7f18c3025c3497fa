/** What a broken or hostile peer makes of a recorded session: bytes changed, cut, put in, told twice, lengths blown up. */
import { joined } from '../../lib/base/bytes.js'
import type { Random } from '../../lib/host.js'
import { HEADER_BYTES } from '../../lib/wire/mux.js'
import type { Chunk } from './replay.js'

/** Numbers that are lengths, counts and indexes beyond what there is. */
const LARGE: readonly Uint8Array[] = [
  [0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff],
  [0x00, 0x00, 0x00, 0x80],
  [0xf0, 0xff, 0xff, 0xff, 0x7f],
  [0xfe, 0xff, 0xff, 0xff, 0xff],
  [0xfe, 0x80, 0x00],
  [0x00, 0x00, 0x01, 0x00],
].map((bytes) => new Uint8Array(bytes))
/** Names that lead elsewhere, and what a terminal would obey. */
const TEXTS = ['../', '/etc/', '..', '\x1b]0;x\x07', '\0', '/', '.'].map((text) =>
  Buffer.from(text, 'latin1'),
)

/** @param isFramed the first chunk is plain, each after it one frame */
export function mutated(script: readonly Chunk[], isFramed: boolean, random: Random): Chunk[] {
  const chunks = [...script]
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(chunks.length)
    const chunk = chunks[at]
    if (chunk === undefined) continue
    switch (random.below(14)) {
      case 0:
        chunks.splice(at, 1)
        break
      case 1:
        chunks.splice(at, 0, chunk)
        break
      case 2:
        chunks.splice(random.below(chunks.length), 0, chunk)
        break
      case 3:
        chunks.splice(at)
        break
      default:
        chunks[at] = { ...chunk, bytes: changed(chunk.bytes, isFramed && at > 0, random) }
    }
  }
  return chunks
}

/** Mostly within a frame, so that it is not the frame that is refused. */
function changed(bytes: Uint8Array, isFrame: boolean, random: Random): Uint8Array {
  if (!isFrame || bytes.length <= HEADER_BYTES || random.below(8) === 0)
    return altered(bytes, random)
  const data = altered(bytes.subarray(HEADER_BYTES), random)
  const { length } = data
  const tag = random.below(12) === 0 ? 7 + random.below(103) : (bytes[3] ?? 7)
  return joined([new Uint8Array([length & 0xff, (length >> 8) & 0xff, length >> 16, tag]), data])
}

function altered(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1)
  const head = bytes.subarray(0, at)
  const rest = bytes.subarray(at)
  const pick = (list: readonly Uint8Array[]): Uint8Array =>
    list[random.below(list.length)] ?? new Uint8Array(0)
  const over = (put: Uint8Array): Uint8Array => joined([head, put, rest.subarray(put.length)])
  switch (random.below(9)) {
    case 0:
      return head
    case 1:
      return joined([head, rest.subarray(1 + random.below(8))])
    case 2:
      return joined([head, random.bytes(1 + random.below(8)), rest])
    case 3:
      return over(pick(LARGE))
    case 4:
      return joined([head, pick(LARGE), rest])
    case 5:
      return over(pick(TEXTS))
    case 6:
      return over(random.bytes(1 + random.below(4)))
    default:
      return over(new Uint8Array([(rest[0] ?? 0) ^ (1 << random.below(8))]))
  }
}
