/** What a volunteer tells of its contents: a list, what came, what went; nothing where it is complete. */
import t from 'tap'
import { Haves } from '../../lib/app/haves.js'
import type { VolunteerTree } from '../../lib/app/volunteer-tree.js'
import { type Root, rootOf } from '../../lib/hash/root.js'
import type { VolunteerMessage } from '../../lib/mirror/volunteer-messages.js'
import { ManualClock } from '../support/manual-clock.js'

const root = (n: number): Root => {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(4, n)
  return rootOf(bytes)
}
const numberOf = (of: Root): number => Buffer.from(of, 'latin1').readUInt32BE(4)

function open() {
  const clock = new ManualClock()
  const standing = new Set<number>()
  const tree = {
    module: 'm',
    through: null as number | null,
    following: 7,
    doneAt: '1',
    get state() {
      return { module: 'm', through: this.through, following: this.following }
    },
    get isWhole() {
      return this.through === this.following
    },
    store: {
      places: {
        standing: (after: Root | null, most: number) =>
          [...standing]
            .sort((a, b) => a - b)
            .filter((n) => after === null || n > numberOf(after))
            .slice(0, most)
            .map((n) => ({ root: root(n), hashed: n !== 5, size: n === 6 ? 100 : 1e6 })),
      },
    },
  }
  const said: VolunteerMessage[] = []
  const channel = { isOpen: true }
  const say = (message: VolunteerMessage): boolean => {
    if (channel.isOpen) said.push(message)
    return channel.isOpen
  }
  const haves = new Haves({ tree: tree as unknown as VolunteerTree, say, clock })
  const end = new AbortController()
  const running = haves.keep(end.signal).catch(() => {})
  /** What was said in the next ten minutes, as the centre would have it. */
  const known = new Set<number>()
  const later = async (): Promise<Set<number>> => {
    for (let i = 0; i < 200; i++) await clock.advance(3000)
    for (const message of said.splice(0)) {
      if (message.type === 'have' && message.isFirst) known.clear()
      if (message.type === 'have') for (const each of message.contents) known.add(numberOf(each))
      if (message.type === 'lost') for (const each of message.contents) known.delete(numberOf(each))
    }
    return known
  }
  const stop = async (): Promise<void> => {
    end.abort(new Error('the test is over'))
    await running
  }
  return { tree, standing, haves, channel, later, stop, said, clock }
}

t.test('so fast that a million contents take less than twenty seconds', async (t) => {
  const { standing, said, clock, stop } = open()
  t.teardown(stop)
  for (let n = 1; n <= 20_000; n++) standing.add(n)
  await clock.advance(0)
  // half a second until it is looked at; in steps, as the list is read beside the clock
  for (let ms = 0; ms < 500 + 350; ms++) await clock.advance(1)
  const told = said.reduce(
    (sum, each) => sum + (each.type === 'have' ? each.contents.length : 0),
    0,
  )
  t.equal(told, 19_998)
})

t.test('of a part: all of it, then what comes and goes', async (t) => {
  const { tree, standing, haves, channel, later, stop } = open()
  t.teardown(stop)
  for (let n = 1; n <= 5000; n++) standing.add(n)
  t.equal((await later()).size, 4998, 'neither what is not hashed nor what is small')
  haves.came([root(6001)])
  t.ok((await later()).has(6001))
  standing.delete(3)
  standing.add(6001)
  standing.add(6002)
  t.ok((await later()).has(3), 'looked up when it was in step anew')
  tree.doneAt = '2'
  const now = await later()
  t.same(
    [3, 6001, 6002].map((n) => now.has(n)),
    [false, true, true],
  )
  channel.isOpen = false
  haves.came([root(6003)])
  standing.add(6003)
  standing.delete(4)
  await later()
  channel.isOpen = true
  haves.opened()
  const again = await later()
  t.same(
    [4, 6003, 6002].map((n) => again.has(n)),
    [false, true, true],
    'a new channel: all anew',
  )
})

t.test('of a whole module: what came since, and nothing once it is complete', async (t) => {
  const { tree, standing, haves, later, stop, said } = open()
  t.teardown(stop)
  for (let n = 10; n <= 50; n++) standing.add(n)
  tree.through = 7
  t.equal((await later()).size, 0)
  tree.following = 8
  haves.came([root(60), root(61)])
  t.same([...(await later())], [60, 61])
  haves.opened()
  haves.came([root(62)])
  t.same([...(await later())], [60, 61, 62], 'a new channel while it is on its way')
  tree.through = 8
  t.same([...(await later())], [])
  await later()
  t.equal(said.length, 0)
})
