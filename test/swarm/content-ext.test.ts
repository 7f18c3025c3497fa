import assert from 'node:assert/strict'
import t from 'tap'
import { hexOf, Underflow } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import { rootOf } from '../../lib/hash/root.js'
import {
  type ContentMessage,
  decodeContentMessage,
  encodeContentMessage,
  hintOf,
} from '../../lib/swarm/content-ext.js'
import type { UnitRange } from '../../lib/swarm/peer-port.js'
import fc from '../support/properties.js'

const root = rootOf(new Uint8Array(32).fill(0xab))
const R = 'ab'.repeat(32)
const hint = hintOf(root)
const H = 'ab'.repeat(8)
const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

t.test('vectors, both directions', async (t) => {
  const cases: Array<[name: string, bytes: string, message: ContentMessage]> = [
    [
      'bind',
      `00 8102 ${R} a08d06 00`,
      { kind: 'bind', binds: [{ handle: 257, content: { root, length: 100_000 }, window: 0 }] },
    ],
    ['unbind', '01 00 ffffffff07', { kind: 'unbind', handles: [0, 2 ** 31 - 1] }],
    [
      'have, nothing said',
      '02 00 00',
      { kind: 'have', have: { through: null, wholes: [], parts: [] } },
    ],
    [
      'have through 0, a whole, a part',
      `02 01 01 ${H} ${H} 02 00 02 01 05`,
      {
        kind: 'have',
        have: {
          through: 0,
          wholes: [hint],
          parts: [
            {
              hint,
              ranges: [
                { first: 0, count: 2 },
                { first: 3, count: 5 },
              ],
            },
          ],
        },
      },
    ],
    [
      'want all',
      `03 ${R} 01 00`,
      { kind: 'want', wants: [{ content: { root, length: 1 }, ranges: [] }] },
    ],
    ['drop', `04 ${H}`, { kind: 'drop', hints: [hint] }],
  ]
  for (const [name, bytes, message] of cases) {
    t.same(encodeContentMessage(message).map(hexOf), [hexOf(hex(bytes))], `encode ${name}`)
    t.strictSame(decodeContentMessage(hex(bytes)), message, `decode ${name}`)
  }
  t.equal(decodeContentMessage(hex('05 00')), null, 'a kind of a later version')
})

t.test('refuses what nothing could have', async (t) => {
  const cases: Array<[name: string, bytes: string]> = [
    ['an empty content', `00 00 ${R} 00 00`],
    ['a content above the limit', `00 00 ${R} 8180808080808002 00`],
    ['a window past the content', `00 00 ${R} 01 01`],
    ['a handle of 2^31', '01 8080808008'],
    ['a number in a longer form', '01 8000'],
    ['a number above 2^53', '01 ffffffffffffffffff'],
    ['more hints than bytes', `02 00 02 ${H}`],
    ['more ranges than bytes', `02 00 00 ${H} 03 00 01 01 01`],
    ['ranges that touch', `02 00 00 ${H} 02 00 01 00 01`],
    ['a range of nothing', `02 00 00 ${H} 01 00 00`],
    ['a range past every content', `02 00 00 ${H} 01 808080808001 01`],
  ]
  for (const [name, bytes] of cases)
    t.throws(() => decodeContentMessage(hex(bytes)), WireError, name)
  t.throws(() => decodeContentMessage(hex('')), Underflow)
  t.throws(() => decodeContentMessage(hex('04 abab')), Underflow)
})

t.test('ranges in any order become one form', async (t) => {
  const ranges: UnitRange[] = [
    { first: 7, count: 1 },
    { first: 0, count: 3 },
    { first: 5, count: 0 },
    { first: 1, count: 1 },
    { first: 3, count: 2 },
  ]
  const [bytes] = encodeContentMessage({
    kind: 'have',
    have: { through: null, wholes: [], parts: [{ hint, ranges }] },
  })
  const message = decodeContentMessage(bytes ?? hex(''))
  t.match(message, {
    have: {
      parts: [
        {
          ranges: [
            { first: 0, count: 5 },
            { first: 7, count: 1 },
          ],
        },
      ],
    },
  })
})

t.test('what is too long for a message goes in several that say the same', async (t) => {
  const hints = Array.from({ length: 100_000 }, (_, i) => i.toString(16).padStart(8, '0'))
  const ranges = Array.from({ length: 50_000 }, (_, i) => ({ first: i * 3, count: 1 }))
  const given = { through: 41, wholes: hints, parts: [{ hint, ranges }] }
  const payloads = encodeContentMessage({ kind: 'have', have: given })
  t.ok(payloads.length >= 4)
  t.ok(payloads.every((bytes) => bytes.length + 2 <= LIMITS.messageBytes))
  const through: Array<number | null> = []
  const wholes: string[] = []
  const parts: UnitRange[] = []
  for (const bytes of payloads) {
    const message = decodeContentMessage(bytes)
    if (message?.kind !== 'have') throw new Error('not a have')
    through.push(message.have.through)
    wholes.push(...message.have.wholes)
    for (const part of message.have.parts) parts.push(...part.ranges)
  }
  t.same(through, [41, ...payloads.slice(1).map(() => null)])
  t.same(wholes, hints)
  t.same(parts, ranges)
  const drops = encodeContentMessage({ kind: 'drop', hints })
  t.equal(drops.length, 4)
})

const roots = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(rootOf)
const contents = fc.record(
  { root: roots, length: fc.integer({ min: 1, max: LIMITS.contentBytes }) },
  { noNullPrototype: true },
)
const rangesOf = fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { maxLength: 5 }).map((gaps) => {
  let at = -1
  return gaps.map(([gap, more]) => {
    const range = { first: at + gap + 1, count: more + 1 }
    at = range.first + range.count
    return range
  })
})
const binds = fc.tuple(fc.nat(2 ** 31 - 1), contents, fc.nat()).map(([handle, content, n]) => ({
  handle,
  content,
  window: n % Math.ceil(content.length / 2 ** 31),
}))
const plain = { noNullPrototype: true } as const
const messages: fc.Arbitrary<ContentMessage> = fc.oneof(
  fc.record({ kind: fc.constant('bind' as const), binds: fc.array(binds) }, plain),
  fc.record(
    { kind: fc.constant('unbind' as const), handles: fc.array(fc.nat(2 ** 31 - 1)) },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant('have' as const),
      have: fc.record(
        {
          through: fc.option(fc.nat()),
          wholes: fc.array(roots.map(hintOf)),
          parts: fc.array(fc.record({ hint: roots.map(hintOf), ranges: rangesOf }, plain)),
        },
        plain,
      ),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant('want' as const),
      wants: fc.array(fc.record({ content: contents, ranges: rangesOf }, plain)),
    },
    plain,
  ),
  fc.record({ kind: fc.constant('drop' as const), hints: fc.array(roots.map(hintOf)) }, plain),
)

t.test('any message survives, and no prefix means more than it says', async () => {
  fc.assert(
    fc.property(messages, fc.nat(), (given, cut) => {
      const [bytes = new Uint8Array(0), ...more] = encodeContentMessage(given)
      assert.equal(more.length, 0)
      assert.deepEqual(decodeContentMessage(bytes), given)
      try {
        decodeContentMessage(bytes.subarray(0, cut % bytes.length))
      } catch (error) {
        assert.ok(error instanceof Underflow || error instanceof WireError)
      }
    }),
  )
})
