/** What is asked of a sender while the sums of a large basis are made: nothing waits for it, and it is heard of what ends it. */
import t from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import { StoppedError } from '../../lib/base/errors.js'
import { sumHeadFor } from '../../lib/delta/block-size.js'
import { basisSumsOf, type Source } from '../../lib/delta/sums.js'
import type { Link } from '../../lib/host.js'
import { resolveOptions } from '../../lib/options/resolve.js'
import { parseRsyncLine } from '../../lib/options/rsync-line.js'
import { Asking } from '../../lib/rsync/asking.js'
import { KernelStore } from '../../lib/rsync/kernel-store.js'
import type { Entry, Request } from '../../lib/rsync/request.js'
import type { ReceivingTree, SourceTree } from '../../lib/rsync/trees.js'
import { WireWriter } from '../../lib/rsync/writer.js'
import { NdxWriter } from '../../lib/wire/ndx.js'

const TERMS = {
  protocol: 32,
  compat: 0,
  seed: 0,
  checksum: 'xxh64',
  listChecksum: 'xxh64',
  compressor: null,
} as const
const SUM = { algorithm: 'xxh64', seed: 0 } as const
const LARGE = 200 * 2 ** 20
const SIZES = new Map([
  ['large', LARGE],
  ['small', 100_000],
])

/** Every file is made of its offsets. */
function fill(offset: number, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength)
  for (let at = 0; at + 4 <= into.length; at += 4096) view.setUint32(at, offset + at, true)
}

type Scene = {
  readonly asking: Asking
  readonly begun: number[]
  readonly open: Set<number>
  written(): Buffer
  request(name: string, number: number): Request
}

function scene(pause: () => Promise<void> | null): Scene {
  const sizes: number[] = []
  const open = new Set<number>()
  const tree = {
    openFile: (name: string) => {
      const fd = sizes.push(SIZES.get(name) ?? 0) - 1
      open.add(fd)
      return fd
    },
    closeFile: (fd: number) => open.delete(fd),
  } as unknown as SourceTree
  const to = {
    tree,
    size: (fd: number) => sizes[fd] ?? 0,
    read: (fd: number, into: Uint8Array, offset: number) => {
      const got = Math.min(into.length, (sizes[fd] ?? 0) - offset)
      fill(offset, into.subarray(0, got))
      return got
    },
  } as unknown as ReceivingTree
  const went: Uint8Array[] = []
  const link: Link = {
    read: async () => null,
    write: async (bytes) => {
      went.push(Uint8Array.from(bytes))
    },
    close: async () => {},
  }
  const writer = new WireWriter(link, new AbortController().signal)
  const begun: number[] = []
  const asking = new Asking({
    options: resolveOptions(parseRsyncLine(['-rt', '--no-whole-file']).flags, {}, new Date(0)),
    terms: TERMS,
    to,
    writer,
    numbers: new NdxWriter(32),
    kernels: new KernelStore(),
    blockSum: SUM,
    wantedXattrs: () => [],
    told: () => {},
    fault: (_call, _entry, error) => {
      throw error
    },
    begun: (number) => begun.push(number),
    pause,
  })
  return {
    asking,
    begun,
    open,
    written: () => Buffer.concat([...went, writer.data.done()]),
    request: (name, number) => ({
      entry: { number, name } as unknown as Entry,
      name: byteName(name),
      seen: null,
      like: null,
      iflags: 0x8000,
      announce: () => {},
      basis: { tree, name: byteName(name), kind: 'file' },
    }),
  }
}
const NOTHING = (): void => {}

/** The sums that follow the head of a request. */
function sumsOf(name: string): Buffer {
  const length = SIZES.get(name) ?? 0
  const rule = { protocol: 32, sumBytes: 8, blockLength: null, redo: false }
  const head = sumHeadFor(length, rule)
  const source: Source = {
    length,
    read: (offset, into) => {
      const got = Math.min(into.length, length - offset)
      fill(offset, into.subarray(0, got))
      return got
    },
  }
  const kernel = new KernelStore().forEntries(0, head.blockLength)
  return Buffer.from(basisSumsOf(source, head, SUM, kernel)?.packed ?? [])
}

t.test('the sums of a large basis are made with pauses, and others ask meanwhile', async (t) => {
  let pauses = 0
  let isAsked = false
  const s = scene(() => {
    pauses++
    if (isAsked) return null
    isAsked = true
    s.asking.file(s.request('small', 2), NOTHING)
    return Promise.resolve()
  })
  s.asking.file(s.request('large', 1), NOTHING)
  t.same(s.begun, [1], 'it counts as begun')
  t.equal(s.written().length, 0)
  t.equal(s.asking.take(1), null, 'no answer can be to what was not asked yet')
  const pause = s.asking.pause()
  t.ok(pause)
  await pause
  t.ok(pauses > 30, `${pauses} pauses`)
  t.same(s.begun, [1, 2])
  const written = s.written()
  const [small, large] = [sumsOf('small'), sumsOf('large')]
  t.ok(written.indexOf(small) > 0 && written.indexOf(small) < written.indexOf(large))
  t.ok(written.subarray(-large.length).equals(large), 'whole, and in one piece')
  for (const number of [1, 2]) t.ok(s.asking.take(number), 'and can be answered')
  t.equal(s.asking.pause(), null)
  t.equal(s.open.size, 0)
})

t.test(
  'whoever hears that a file came, or that it must come again, waits for nothing',
  async (t) => {
    const s = scene(() => null)
    s.asking.file(s.request('small', 1), () => s.asking.file(s.request('large', 2), NOTHING))
    s.asking.take(1)?.done(true)
    t.equal(s.asking.pause(), null)
    t.ok(s.asking.take(2), 'asked at once')
    s.asking.file(s.request('large', 3), NOTHING, true)
    t.ok(s.asking.take(3))
    t.equal(s.open.size, 0)
  },
)

t.test('what ends the run ends it, and the file is closed', async (t) => {
  const s = scene(() => Promise.reject(new StoppedError('stopped by SIGINT')))
  s.asking.file(s.request('large', 1), NOTHING)
  await t.rejects(s.asking.pause() ?? Promise.resolve(), StoppedError)
  t.equal(s.open.size, 0)
  t.equal(s.written().length, 0)
})
