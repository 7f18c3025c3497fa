/** Frames: headers, and lengths that go with a tag. */
import t from 'tap'
import { WireError } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import {
  FRAME_BYTES,
  type Frame,
  HEADER_BYTES,
  putHeader,
  readHeader,
  TAG,
} from '../../lib/wire/mux.js'

function written(frame: Frame): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  putHeader(bytes, 0, frame)
  return bytes
}

t.test('headers: length little-endian, tag 7 higher', async (t) => {
  t.same([...written({ tag: TAG.data, length: 0x010203 })], [3, 2, 1, 7])
  t.same([...written({ tag: TAG.info, length: 5 })], [5, 0, 0, 9])
})

t.test('each tag with the lengths that go with it', async (t) => {
  const text = LIMITS.messageTextBytes - 1
  const allowed: Record<keyof typeof TAG, readonly number[]> = {
    data: [0, 1, FRAME_BYTES],
    errorXfer: [0, text],
    info: [0, text],
    error: [0, text],
    warning: [0, text],
    ioError: [4],
    ioTimeout: [4],
    noop: [0],
    errorExit: [0, 4],
    success: [4],
    deleted: [0, text],
    noSend: [4],
  }
  const lengths = [0, 1, 3, 4, 5, text, text + 1, FRAME_BYTES]
  for (const [name, tag] of Object.entries(TAG)) {
    const good = allowed[name as keyof typeof TAG]
    for (const length of good)
      t.same(readHeader(written({ tag, length }), 0), { tag, length }, `${name} of ${length}`)
    const isText = good.includes(text)
    for (const length of lengths.filter((n) => !good.includes(n) && (!isText || n > text)))
      if (tag !== TAG.data)
        t.throws(() => readHeader(written({ tag, length }), 0), WireError, `${name} of ${length}`)
  }
})

t.test('a tag that is none', async (t) => {
  const known = new Set<number>(Object.values(TAG))
  for (let byte = 0; byte < 256; byte++)
    if (!known.has(byte - 7))
      t.throws(() => readHeader(Uint8Array.of(0, 0, 0, byte), 0), WireError, `byte ${byte}`)
})
