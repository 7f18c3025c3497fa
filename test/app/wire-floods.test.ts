/** Both roles against a peer that says much, or what it may not: bounded, and without an effect. */
import { readdirSync } from 'node:fs'
import { deflateRawSync } from 'node:zlib'
import t from 'tap'
import type { SyncReport } from '../../lib/app/sync-events.js'
import { WireError } from '../../lib/base/errors.js'
import { writeDeleted } from '../../lib/wire/farewell.js'
import { writeItem } from '../../lib/wire/item.js'
import { TAG } from '../../lib/wire/mux.js'
import { NDX } from '../../lib/wire/ndx.js'
import { NO_SUMS, writeSumHead } from '../../lib/wire/sum-head.js'
import { type Peer, receiving, sending, TRANSFER } from '../support/wire-peer.js'

const NOTHING = new Uint8Array(0)
const MIB = 2 ** 20

/** All phases, and the last words of a sender. */
async function endSending(peer: Peer, phases = 3): Promise<void> {
  for (let left = phases; left > 0; left--) {
    while ((await peer.next()) !== NDX.done);
    peer.put(NDX.done)
    if (left > 1) await peer.writer.flush()
  }
  peer.writer.data.put(new Uint8Array(15))
  await peer.writer.flush()
  await peer.next()
  await peer.put(NDX.done).writer.flush()
  await peer.next()
}
/** All phases, and the last words of a receiver that wants nothing. */
async function endReceiving(peer: Peer): Promise<void> {
  for (let phase = 0; phase < 5; phase++) peer.put(NDX.done)
  await peer.writer.drain()
}

t.test('signs of life without end: neither depth nor memory', async (t) => {
  const flood = async ({ writer }: Peer): Promise<void> => {
    for (let n = 0; n < 200_000; n++) {
      writer.message(TAG.noop, NOTHING)
      if (n % 10_000 === 0) await writer.flush()
    }
  }
  const { report } = await receiving(t.testdir(), async (peer) => {
    await flood(peer)
    const number = await peer.fileAskedFor()
    peer.writer.number(TAG.noSend, number)
    await endSending(peer)
  })
  t.equal(report.exit, 0)
  const sent = await sending(t.testdir(), [], async (peer) => {
    await flood(peer)
    await endReceiving(peer)
  })
  t.equal(sent.exit, 0)
})

t.test('a word about files that nobody asked for changes nothing', async (t) => {
  const home = t.testdir()
  const { report } = await receiving(home, async (peer) => {
    for (const number of [-5, 0, 7, 2 ** 31 - 1]) peer.writer.number(TAG.noSend, number)
    const number = await peer.fileAskedFor()
    for (let twice = 0; twice < 2; twice++) peer.writer.number(TAG.noSend, number)
    await endSending(peer)
  })
  t.equal(report.exit, 0)
  t.same(readdirSync(`${home}/d`), [])
})

t.test('errors of reading are three bits', async (t) => {
  const told = async (bits: number): Promise<number> =>
    (
      await receiving(t.testdir(), async (peer) => {
        peer.writer.number(TAG.ioError, bits)
        peer.writer.number(TAG.noSend, await peer.fileAskedFor())
        await endSending(peer)
      })
    ).report.exit
  t.equal(await told(~7), 0, 'bits that mean nothing')
  t.equal(await told(~6), 23)
})

t.test('time limits that are none', async (t) => {
  for (const seconds of [0, -1, 86_401, 2 ** 31 - 1, -(2 ** 31)])
    await t.rejects(
      receiving(t.testdir(), async (peer) => {
        peer.writer.number(TAG.ioTimeout, seconds)
        await peer.writer.flush()
      }),
      new WireError(`a time limit of ${seconds} s`),
    )
})

t.test('deletions that are not believed', async (t) => {
  const none = { file: 0, directory: 0, symlink: 0, device: 0, special: 0 }
  const told = (file: number): Promise<SyncReport> =>
    sending(t.testdir(), [], async (peer) => {
      for (let phase = 0; phase < 3; phase++) peer.put(NDX.done)
      peer.put(NDX.deleteStats)
      writeDeleted(peer.writer.data, { ...none, file })
      await peer.put(NDX.done).put(NDX.done).writer.drain()
    })
  t.equal((await told(2 ** 28)).deleted.file, 2 ** 28)
  for (const count of [-1, 2 ** 28 + 1]) await t.rejects(told(count), WireError)
})

/** Pieces of a compressed token, then the end of the file. */
function* piecesOf(packed: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < packed.length; at += 16_383) {
    const piece = packed.subarray(at, at + 16_383)
    yield Uint8Array.of(0x40 | (piece.length >> 8), piece.length & 0xff, ...piece)
  }
}
/** Zeros as one block of LZ4: a literal, then a match one byte back that goes on and on. */
function lz4Zeros(length: number): Uint8Array {
  const more = length - 1 - 19 - 5
  const long = Buffer.alloc(Math.floor(more / 255), 255)
  return Buffer.concat([[0x1f, 0, 1, 0], long, [more % 255, 0x50, 0, 0, 0, 0, 0]].map(Buffer.from))
}

t.test('a little that becomes much: step by step, and gone when its sum is wrong', async (t) => {
  const zeros = deflateRawSync(Buffer.alloc(64 * MIB), { finishFlush: 2 }).subarray(0, -4)
  const home = t.testdir()
  let most = 0
  const before = process.memoryUsage().arrayBuffers
  await t.rejects(
    receiving(
      home,
      async (peer) => {
        const { data } = peer.writer
        peer.put(await peer.fileAskedFor())
        writeItem(data, TRANSFER, 32)
        writeSumHead(data, NO_SUMS)
        for (const piece of piecesOf(zeros)) {
          data.put(piece)
          await peer.writer.flush()
          most = Math.max(most, process.memoryUsage().arrayBuffers - before)
        }
        data.put(new Uint8Array(17))
        await peer.writer.flush()
      },
      { compressor: 'zlibx', closes: true },
    ),
    { message: /unexpectedly closed/ },
  )
  t.ok(most < 48 * MIB, `${most} bytes held`)
  t.same(readdirSync(`${home}/d`), [])
})

t.test('a block of LZ4 that is longer than any of rsync', async (t) => {
  const answer = (length: number) =>
    receiving(
      t.testdir(),
      async (peer) => {
        const { data } = peer.writer
        peer.put(await peer.fileAskedFor())
        writeItem(data, TRANSFER, 32)
        writeSumHead(data, NO_SUMS)
        for (const piece of piecesOf(lz4Zeros(length))) data.put(piece)
        data.put(new Uint8Array(17))
        await peer.writer.flush()
      },
      { compressor: 'lz4', closes: true },
    )
  await t.rejects(answer(2 * MIB), { message: /lz4/i })
  await t.rejects(answer(32_768), { message: /unexpectedly closed/ }, 'one that is not')
})
