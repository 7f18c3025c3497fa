/** Both roles against a peer that says what it should not: our error, in its time, and nothing half written. */
import { existsSync, readdirSync } from 'node:fs'
import t from 'tap'
import type { SyncReport } from '../../lib/app/sync-events.js'
import { ProtocolError, WireError } from '../../lib/base/errors.js'
import { ACL_ACCESS, formatAcl } from '../../lib/flist/posix-acl.js'
import type { WireXattr } from '../../lib/wire/file-entry.js'
import { writeItem } from '../../lib/wire/item.js'
import { TAG } from '../../lib/wire/mux.js'
import { NDX } from '../../lib/wire/ndx.js'
import { NO_SUMS, writeSumHead } from '../../lib/wire/sum-head.js'
import { wireEntry } from '../support/wire-entries.js'
import { ask, type Peer, receiving, sending, TRANSFER } from '../support/wire-peer.js'

t.test('a sender that answers what was not asked for', async (t) => {
  const home = t.testdir()
  const bad: readonly (readonly [string, (peer: Peer, number: number) => void])[] = [
    ['another entry', (peer, number) => peer.answer(number + 7, 'x', new Uint8Array(16))],
    [
      'other blocks',
      (peer, number) => {
        peer.put(number)
        writeItem(peer.writer.data, TRANSFER, 32)
        writeSumHead(peer.writer.data, { count: 1, blockLength: 700, sumLength: 2, remainder: 0 })
      },
    ],
  ]
  for (const [what, act] of bad)
    await t.rejects(
      receiving(home, async (peer) => {
        act(peer, await peer.fileAskedFor())
        await peer.writer.flush()
      }),
      ProtocolError,
      what,
    )
  await t.rejects(
    receiving(home, async (peer) => {
      const { data } = peer.writer
      peer.put(await peer.fileAskedFor())
      writeItem(data, TRANSFER, 32)
      writeSumHead(data, NO_SUMS)
      data.i32le(-1)
      await peer.writer.flush()
    }),
    WireError,
    'a block of a file that is not there',
  )
  t.same(readdirSync(`${home}/d`), [], 'nothing is left of it')
})

t.test('a file whose sum is wrong twice does not stand', async (t) => {
  const home = t.testdir()
  const { report, seen } = await receiving(home, async (peer) => {
    peer.answer(await peer.fileAskedFor(), 'lies', new Uint8Array(16))
    t.equal(await peer.next(), NDX.done)
    await peer.put(NDX.done).writer.flush()
    peer.answer(await peer.fileAskedFor(), 'more', new Uint8Array(16))
    for (let phase = 2; phase <= 3; phase++) {
      t.equal(await peer.next(), NDX.done)
      peer.put(NDX.done)
    }
    peer.writer.data.put(new Uint8Array(15))
    t.equal(await peer.next(), NDX.done)
    await peer.put(NDX.done).writer.flush()
    t.equal(await peer.next(), NDX.done)
  })
  t.equal(report.exit, 23)
  t.equal(seen.filter((name) => name === 'mismatch').length, 2)
  t.same(readdirSync(`${home}/d`), [])
})

t.test('a receiver that asks for what it was not offered', async (t) => {
  const home = t.testdir()
  const asking = (act: (peer: Peer) => void): Promise<SyncReport> =>
    sending(home, [], async (peer) => {
      act(peer)
      await peer.writer.flush()
    })
  await t.rejects(
    asking((peer) => ask(peer, 99)),
    ProtocolError,
    'an entry beyond the list',
  )
  await t.rejects(
    asking((peer) => {
      ask(peer, 0)
      writeSumHead(peer.writer.data, NO_SUMS)
    }),
    ProtocolError,
    'the bytes of a directory',
  )
  for (const head of [
    { count: 2 ** 30, blockLength: 700, sumLength: 16, remainder: 0 },
    { count: 1, blockLength: 0, sumLength: 2, remainder: 0 },
    { count: 1, blockLength: 700, sumLength: 17, remainder: 0 },
    { count: 1, blockLength: 700, sumLength: 2, remainder: 701 },
  ])
    await t.rejects(
      asking((peer) => {
        ask(peer, 1)
        writeSumHead(peer.writer.data, head)
      }),
      WireError,
      JSON.stringify(head),
    )
})

t.test('a source goes once, and only if it is a file of the list', async (t) => {
  const home = t.testdir()
  const report = await sending(home, ['--remove-source-files'], async (peer) => {
    for (const number of [0, 1, 1, 42]) peer.writer.number(TAG.success, number)
    for (let phase = 0; phase < 5; phase++) peer.put(NDX.done)
    await peer.writer.drain()
  })
  t.equal(report.exit, 0)
  t.ok(existsSync(`${home}/s`))
  t.notOk(existsSync(`${home}/s/f`))
})

const xattrOf = (name: string, value: string): WireXattr => ({
  name,
  value,
  length: value.length,
  digest: '',
})
t.test('a sender whose file has too many attributes, or too long a list of who may', async (t) => {
  const many = Array.from({ length: 65_537 }, (_, id) => id)
  const named = many.map((id) => ({ id, isUser: true, perm: 4 }))
  const acl = formatAcl({ user: 6, group: 4, mask: 4, other: 4, named })
  const bad = [
    ['-X', many.map((id) => xattrOf(`user.${id}`, '')), /65537 extended attributes of one file/],
    [
      '-X',
      [xattrOf(`user.${'x'.repeat(4096)}`, '')],
      /name of 4102 bytes of an extended attribute/,
    ],
    ['-A', [xattrOf(ACL_ACCESS, acl)], /an ACL of 65537 entries/],
  ] as const
  for (const [word, xattrs, why] of bad) {
    const home = t.testdir()
    const entries = [
      { ...wireEntry('.', 'directory'), mode: 0o755 },
      { ...wireEntry('f', 'file'), xattrs },
    ]
    const error = await receiving(home, async () => {}, { entries, words: [word] }).catch(
      (e: unknown) => e,
    )
    t.ok(error instanceof WireError)
    t.match(error, { message: why })
    t.same(readdirSync(`${home}/d`), [], 'nothing of it is there')
  }
})
