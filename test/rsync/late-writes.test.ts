/** Bytes that are written later: out of memory that is used again as soon as it may be, by threads that take their time. */
import t from 'tap'
import { LateWrites } from '../../lib/rsync/late-writes.js'
import type { ReceivingTree } from '../../lib/rsync/trees.js'

/** How long what was read stands. */
const LENT_BYTES = 2 ** 20

/** A link that reads into the memory of what it gave a mebibyte ago, and a file whose writes end when they are let. */
class Bench {
  readonly file: number[] = []
  readonly #memory = new Uint8Array(LENT_BYTES)
  #read = 0
  readonly failures: unknown[] = []
  /** Ends of writes under way. */
  readonly ends: (() => void)[] = []
  mostUnderWay = 0
  readonly late: LateWrites

  constructor(failure: Error | null = null) {
    const writeLater: ReceivingTree['writeLater'] = (_fd, pieces, offset) =>
      new Promise((resolve, reject) => {
        this.ends.push(() => {
          // The last moment at which they are looked at.
          const all = Buffer.concat(pieces)
          for (const [i, byte] of all.entries()) this.file[offset + i] = byte
          if (failure === null) resolve()
          else reject(failure)
        })
        this.mostUnderWay = Math.max(this.mostUnderWay, this.ends.length)
      })
    this.late = new LateWrites({ writeLater } as ReceivingTree, 3, (error) =>
      this.failures.push(error),
    )
  }

  /** What is waited for ends; nothing else does. */
  async wait(what: Promise<void> | null): Promise<void> {
    if (what === null) return
    let isOver = false
    const over = what.then(() => {
      isOver = true
    })
    for (;;) {
      await Promise.resolve()
      if (isOver) return over
      this.ends.shift()?.()
    }
  }

  async read(length: number, fill: number, isOurs: boolean): Promise<void> {
    await this.wait(this.late.beforeRead(this.#read))
    const at = this.#read % LENT_BYTES
    const bytes = this.#memory.subarray(at, at + length)
    bytes.fill(fill)
    this.#read += length
    if (isOurs) this.late.put(bytes)
  }
}

for (const length of [64, 4096, 65_536, 262_144])
  t.test(`reads of ${length} bytes`, async (t) => {
    const bench = new Bench()
    const wanted: number[] = []
    for (let i = 0; wanted.length < 3 * LENT_BYTES && i < 2000; i++) {
      const fill = i % 251
      await bench.read(length, fill, true)
      for (let at = 0; at < length; at++) wanted.push(fill)
    }
    await bench.wait(bench.late.drain())
    t.ok(Buffer.from(bench.file).equals(Buffer.from(wanted)))
    t.equal(bench.mostUnderWay, 1)
    t.equal(bench.late.drain(), null, 'and then there is nothing to wait for')
  })

t.test('much that is none of the file comes between its bytes', async (t) => {
  const bench = new Bench()
  for (let i = 0; i < 40; i++) await bench.read(65_536, i, i % 10 === 0)
  await bench.wait(bench.late.drain())
  t.same(
    [0, 1, 2, 3].map((i) => bench.file[i * 65_536]),
    [0, 10, 20, 30],
  )
})

t.test('what cannot be written is told, and does not end the rest', async (t) => {
  const full = new Error('no space')
  const bench = new Bench(full)
  for (let i = 0; i < 8; i++) await bench.read(131_072, i, true)
  await bench.wait(bench.late.drain())
  t.ok(bench.failures.length > 0)
  t.ok(bench.failures.every((failure) => failure === full))
})

t.test('what ends the run is heard by who waits, and nothing more is written', async (t) => {
  const full = new Error('no space')
  let writes = 0
  const writeLater = (): Promise<void> => {
    writes++
    return Promise.reject(full)
  }
  const late = new LateWrites({ writeLater } as unknown as ReceivingTree, 3, (error) => {
    throw error
  })
  late.put(new Uint8Array(131_072))
  t.equal(late.beforeRead(131_072), null)
  // Nobody waits yet: it is no rejection that nobody handles.
  await new Promise((resolve) => setImmediate(resolve))
  late.put(new Uint8Array(131_072))
  await t.rejects(late.beforeRead(262_144) ?? Promise.resolve(), full)
  t.equal(late.drain(), null)
  t.equal(writes, 1)
})
