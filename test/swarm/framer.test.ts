import assert from 'node:assert/strict'
import t from 'tap'
import { joined } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import { Framer, HANDSHAKE_BYTES, u32At } from '../../lib/swarm/framer.js'
import fc from '../support/properties.js'

const framed = (payload: Uint8Array): Uint8Array => {
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, payload.length)
  return joined([head, payload])
}

t.test('however the stream is cut, the messages are the same', async () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 })
  fc.assert(
    fc.property(payloads, fc.array(fc.integer({ min: 1, max: 90 })), (given, cuts) => {
      const messages = [new Uint8Array(HANDSHAKE_BYTES).fill(7), ...given.map(framed)]
      const stream = joined(messages)
      const framer = new Framer()
      const got: Uint8Array[] = []
      let at = 0
      for (let i = 0; at < stream.length; i++) {
        const end = at + (cuts[i % cuts.length] ?? stream.length)
        framer.feed(stream.subarray(at, end), (message) => got.push(Uint8Array.from(message)))
        at = end
      }
      assert.deepEqual(
        got.map((m) => [...m]),
        messages.map((m) => [...m]),
      )
    }),
  )
})

t.test('a length above the limit is refused before anything is kept for it', async (t) => {
  const cases: Array<[name: string, length: number, ok: boolean]> = [
    ['the limit', LIMITS.messageBytes, true],
    ['one more', LIMITS.messageBytes + 1, false],
    ['2^31, negative to the library', 2 ** 31, false],
    ['2^32 - 1', 2 ** 32 - 1, false],
  ]
  for (const [name, length, ok] of cases)
    for (const cut of [1, 3, 4]) {
      const framer = new Framer()
      framer.feed(new Uint8Array(HANDSHAKE_BYTES), () => {})
      const head = new Uint8Array(4)
      new DataView(head.buffer).setUint32(0, length)
      const feed = (): void => {
        framer.feed(head.subarray(0, cut), () => t.fail('no message is whole'))
        framer.feed(head.subarray(cut), () => t.fail('no message is whole'))
      }
      if (ok) t.doesNotThrow(feed, name)
      else t.throws(feed, WireError, `${name}, cut at ${cut}`)
    }
})

t.test('a long message in small parts is copied once, not once for each part', async (t) => {
  const payload = new Uint8Array(LIMITS.messageBytes).map((_, i) => i)
  const framer = new Framer()
  framer.feed(new Uint8Array(HANDSHAKE_BYTES), () => {})
  let got: Uint8Array | null = null
  let calls = 0
  for (const byte of framed(payload))
    framer.feed(Uint8Array.of(byte), (message) => {
      calls++
      got = Uint8Array.from(message.subarray(4))
    })
  t.equal(calls, 1)
  t.same(got, payload)
})

t.test('numbers are unsigned', async (t) => {
  t.equal(u32At(Uint8Array.of(0, 0xff, 0xff, 0xff, 0xfe), 1), 0xfffffffe)
})
