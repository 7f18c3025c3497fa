import assert from 'node:assert/strict'
import t from 'tap'
import { type ContentId, rootOf } from '../../lib/hash/root.js'
import { type Grant, Seeding } from '../../lib/swarm/seeding.js'
import fc from '../support/properties.js'

const contentOf = (i: number): ContentId => ({
  root: rootOf(new Uint8Array(32).fill(i + 1)),
  length: 1000,
})
const contents = Array.from({ length: 60 }, (_, i) => contentOf(i))
const rootsOf = (grants: readonly Grant[]): string[] => grants.map((g) => g.content.root)

t.test('each unit goes out once before any goes twice', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(5), fc.boolean()), { minLength: 1, maxLength: 200 }),
      (turns) => {
        const seeding = new Seeding()
        for (let slot = 0; slot <= 5; slot++)
          for (const content of contents) seeding.want(slot, content, 0, 0, 0)
        const given = new Map<string, number>()
        for (const [slot, isServed] of turns) {
          for (const { content } of seeding.grant(slot, 100)) {
            const before = given.get(content.root) ?? 0
            // nothing was offered on, and no time passed: a second copy is never due
            assert.equal(before, 0)
            given.set(content.root, before + 1)
            if (isServed) seeding.served(slot, content, 0, 100)
          }
        }
        assert.equal(seeding.repeats, 0)
      },
    ),
  )
})

t.test('a lone node gets everything as fast as it takes it', async (t) => {
  const seeding = new Seeding()
  for (const content of contents) seeding.want(3, content, 0, 0, 0)
  const got: string[] = []
  let turns = 0
  for (; got.length < contents.length; turns++) {
    const grants = seeding.grant(3, turns * 10)
    got.push(...rootsOf(grants))
    for (const { content } of grants) seeding.served(3, content, 0, turns * 10)
  }
  t.equal(new Set(got).size, contents.length)
  t.ok(turns <= 4, `${turns} turns`)
})

t.test('a second copy: not while others may offer it, but when nobody does', async (t) => {
  const seeding = new Seeding()
  const [one] = contents
  if (one === undefined) throw new Error('no contents')
  seeding.want(1, one, 0, 0, 0)
  seeding.want(2, one, 0, 0, 0)
  t.strictSame(rootsOf(seeding.grant(1, 0)), [one.root])
  seeding.served(1, one, 0, 0)
  seeding.want(9, contentOf(70), 0, 0, 0) // so that 2 is not alone
  t.strictSame(rootsOf(seeding.grant(2, 100)), [])
  seeding.review(5000)
  t.strictSame(rootsOf(seeding.grant(2, 5000)), [], 'within twice the expected time')
  seeding.review(6500)
  t.strictSame(rootsOf(seeding.grant(2, 6500)), [one.root])
  t.equal(seeding.repeats, 1)
})

t.test('what others offer is not granted, unless it is long in coming', async (t) => {
  const seeding = new Seeding()
  const [one, two] = contents
  if (one === undefined || two === undefined) throw new Error('no contents')
  seeding.want(1, one, 0, 2, 0)
  seeding.want(2, two, 0, 0, 0)
  t.strictSame(rootsOf(seeding.grant(1, 0)), [])
  seeding.review(59_000)
  t.strictSame(rootsOf(seeding.grant(1, 59_000)), [])
  seeding.review(61_000)
  t.strictSame(rootsOf(seeding.grant(1, 61_000)), [one.root])
})

t.test('a node that goes takes its grants with it: they are fresh for others', async (t) => {
  const seeding = new Seeding()
  const [one] = contents
  if (one === undefined) throw new Error('no contents')
  for (const slot of [1, 2, 3]) seeding.want(slot, one, 0, 0, 0)
  t.strictSame(rootsOf(seeding.grant(1, 0)), [one.root])
  t.strictSame(rootsOf(seeding.grant(2, 0)), [])
  seeding.leave(1, () => 0)
  seeding.review(1000)
  t.strictSame(rootsOf(seeding.grant(2, 1000)), [one.root])
  t.strictSame(rootsOf(seeding.grant(3, 1000)), [])
  t.equal(seeding.repeats, 0)
})

t.test('a node that is not served any more loses its grants and wants still', async (t) => {
  const seeding = new Seeding()
  const [one] = contents
  if (one === undefined) throw new Error('no contents')
  for (const slot of [1, 2]) seeding.want(slot, one, 0, 0, 0)
  seeding.grant(1, 0)
  seeding.revoke(1)
  t.strictSame(rootsOf(seeding.grant(2, 10)), [one.root])
  t.equal(seeding.wantCount(1), 1)
})

t.test('a node that uses none of its grants gets no more of them', async (t) => {
  const seeding = new Seeding()
  for (const content of contents) seeding.want(1, content, 0, 0, 0)
  let granted = 0
  for (let turn = 0; turn < 20; turn++) granted += seeding.grant(1, turn).length
  t.equal(granted, 16)
})

t.test('a want said again is granted at once, whoever has it or was granted it', async (t) => {
  const seeding = new Seeding()
  const [one, two] = contents
  if (one === undefined || two === undefined) throw new Error('no contents')
  seeding.want(2, contentOf(70), 0, 0, 0) // so that 1 is not alone
  seeding.want(1, one, 0, 3, 0)
  seeding.want(1, two, 0, 0, 0)
  t.strictSame(rootsOf(seeding.grant(1, 0)), [two.root])
  seeding.want(1, one, 0, 3, 100)
  t.strictSame(rootsOf(seeding.grant(1, 100)), [one.root], 'others have it')
  seeding.want(1, two, 0, 0, 200)
  t.strictSame(rootsOf(seeding.grant(1, 200)), [two.root], 'the grant got lost')
  t.equal(seeding.repeats, 0)
})
