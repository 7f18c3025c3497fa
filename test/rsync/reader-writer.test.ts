/** Frames as they are read and written: however they are cut, messages between data, and what ends a run. */
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Cursor, joined } from '../../lib/base/bytes.js'
import { ProtocolError, WireError } from '../../lib/base/errors.js'
import type { Link } from '../../lib/host.js'
import { handleMessage, PeerExit } from '../../lib/rsync/messages.js'
import { WireReader } from '../../lib/rsync/reader.js'
import { WireWriter } from '../../lib/rsync/writer.js'
import { TAG } from '../../lib/wire/mux.js'

const signal = new AbortController().signal
const NOTHING = async (): Promise<void> => {}

/** Gives these chunks, then its end; keeps what is written. */
function scripted(chunks: readonly Uint8Array[]): Link & { readonly written: Uint8Array[] } {
  const left = [...chunks]
  const written: Uint8Array[] = []
  return {
    written,
    read: async () => left.shift() ?? null,
    write: async (bytes) => {
      written.push(Uint8Array.from(bytes))
    },
    close: NOTHING,
  }
}

async function framed(): Promise<Uint8Array> {
  const link = scripted([])
  const writer = new WireWriter(link, signal)
  writer.startFrames()
  writer.data.i32le(7)
  await writer.drain()
  writer.say(TAG.info, 'hello\n')
  writer.data.latin1('abc')
  await writer.drain()
  await writer.keepAlive()
  writer.data.latin1('def')
  await writer.drain()
  return joined(link.written)
}

t.test('frames are put together however they are cut', async (t) => {
  const bytes = await framed()
  for (let cut = 0; cut <= bytes.length; cut++) {
    const said: string[] = []
    const link = scripted([bytes.subarray(0, cut), bytes.subarray(cut)].filter((b) => b.length > 0))
    const reader = new WireReader(
      link,
      signal,
      (tag, payload) =>
        handleMessage(tag, payload, { said: (text, isError) => said.push(`${isError} ${text}`) }),
      NOTHING,
    )
    reader.startFrames()
    const number = await reader.decode((c) => c.i32le())
    const text = await reader.decode((c) => c.latin1(6))
    t.same([number, text, said], [7, 'abcdef', ['false hello\n']], `cut at ${cut}`)
    await t.rejects(
      reader.decode((c) => c.u8()),
      WireError,
    )
  }
})

t.test('bytes without a frame come between two frames, however they are cut', async (t) => {
  const link = scripted([])
  const writer = new WireWriter(link, signal)
  writer.startFrames()
  writer.data.i32le(7)
  await writer.flush()
  writer.unframed(Uint8Array.of(1, 2, 3))
  writer.data.latin1('abc')
  await writer.drain()
  const bytes = joined(link.written)
  for (let cut = 0; cut <= bytes.length; cut++) {
    const parts = [bytes.subarray(0, cut), bytes.subarray(cut)].filter((b) => b.length > 0)
    const reader = new WireReader(scripted(parts), signal, () => {}, NOTHING)
    reader.startFrames(true)
    t.equal(await reader.decode((c) => c.i32le()), 7)
    t.equal(reader.endFrames(), true)
    t.same(await reader.decode((c) => Uint8Array.from(c.view(3))), [1, 2, 3], `cut at ${cut}`)
    reader.startFrames()
    t.equal(await reader.decode((c) => c.latin1(3)), 'abc')
  }
  const within = new WireReader(scripted([bytes]), signal, () => {}, NOTHING)
  within.startFrames(true)
  await within.decode((c) => c.u8())
  t.throws(() => within.endFrames(), WireError)
})

t.test('a message goes before the data that is not out yet, and data stays in order', async (t) => {
  const link = scripted([])
  const writer = new WireWriter(link, signal)
  writer.startFrames()
  const numbers = Array.from({ length: 90_000 }, (_, i) => i)
  for (const number of numbers) {
    writer.data.i32le(number)
    const room = writer.room()
    if (room !== null) await room
  }
  writer.number(TAG.noSend, 5)
  await writer.drain()
  const seen: number[] = []
  const reader = new WireReader(
    scripted(link.written),
    signal,
    (tag, payload) => seen.push(tag, new Cursor(payload).i32le()),
    NOTHING,
  )
  reader.startFrames()
  const read: number[] = []
  for (const _ of numbers) read.push(await reader.decode((c) => c.i32le()))
  t.same(read, numbers)
  t.same(seen, [TAG.noSend, 5])
})

t.test('what a peer may not say', async (t) => {
  const said = { said: () => {} }
  for (const [tag, payload] of [
    [TAG.success, [1, 0, 0, 0]],
    [TAG.noSend, [1, 0, 0, 0]],
    [TAG.deleted, [97]],
    [TAG.ioTimeout, [0, 0, 0, 0]],
    [9, []],
  ] as const)
    t.throws(() => handleMessage(tag, Uint8Array.from(payload), said), WireError, `tag ${tag}`)
  const link = scripted([Uint8Array.from([0, 0, 0, 7 + 9])])
  const reader = new WireReader(link, signal, () => {}, NOTHING)
  reader.startFrames()
  await t.rejects(
    reader.decode((c) => c.u8()),
    WireError,
    'an unknown tag on the wire',
  )
})

t.test('a peer that gave up never ends a run well', async (t) => {
  const exit = (payload: readonly number[]): number => {
    try {
      handleMessage(TAG.errorExit, Uint8Array.from(payload), { said: () => {} })
    } catch (error) {
      if (error instanceof PeerExit) return error.exitCode
    }
    throw new ProtocolError('it did not end')
  }
  t.equal(exit([11, 0, 0, 0]), 11)
  t.equal(exit([]), 12)
  t.equal(exit([0, 0, 0, 0]), 12)
  t.equal(exit([0, 1, 0, 0]), 12)
  t.equal(exit([255, 255, 255, 255]), 12)
})

t.test('the last words of a peer are heard behind what is dropped', async (t) => {
  const link = scripted([])
  const writer = new WireWriter(link, signal)
  writer.startFrames()
  writer.data.latin1('data that nobody wants')
  await writer.drain()
  writer.number(TAG.errorExit, 11)
  await writer.drain()
  const reader = new WireReader(
    scripted(link.written),
    signal,
    (tag, payload) => handleMessage(tag, payload, { said: () => {} }),
    NOTHING,
  )
  reader.startFrames()
  await t.rejects(reader.drain(signal), PeerExit)
})

/** Says these, each so many microtasks after it is asked for, then one more byte once as many bytes were written. */
function answering(said: readonly Uint8Array[], ticks: number): Link {
  const left = [...said]
  let written = 0
  return {
    read: async () => {
      const next = left.shift()
      for (let i = 0; next !== undefined && i < ticks; i++) await null
      if (next !== undefined) return next
      for (let waited = 0; written < said.length; waited++) {
        if (waited === 10) throw new Error('it waits for ever')
        await turn()
      }
      return Uint8Array.of(0)
    },
    write: async (bytes) => {
      written += bytes.length
    },
    close: NOTHING,
  }
}

t.test('who waits for an answer has asked, however much came meanwhile', async (t) => {
  for (let ticks = 0; ticks < 20; ticks++) {
    const link = answering([Uint8Array.of(0), Uint8Array.of(0)], ticks)
    const writer = new WireWriter(link, signal)
    const flush = (): Promise<void> => writer.flush()
    const reader = new WireReader(link, signal, () => {}, flush)
    for (let i = 0; i < 2; i++) {
      await reader.decode((c) => c.u8())
      writer.data.u8(1)
    }
    t.equal(await reader.decode((c) => c.u8()), 0, `${ticks} microtasks later`)
  }
})

t.test('who says something because of a message does not wait before that went', async (t) => {
  const link = answering([Uint8Array.of(4, 0, 0, 7 + TAG.noSend, 1, 0, 0, 0)], 0)
  const writer = new WireWriter(link, signal)
  const framed = {
    ...link,
    read: async () => {
      const bytes = await link.read(signal)
      return bytes?.length === 1 ? Uint8Array.of(1, 0, 0, 7 + TAG.data, 0) : bytes
    },
  }
  const flush = (): Promise<void> => writer.flush()
  const reader = new WireReader(framed, signal, () => writer.data.u8(1), flush)
  reader.startFrames()
  t.equal(await reader.decode((c) => c.u8()), 0)
})
