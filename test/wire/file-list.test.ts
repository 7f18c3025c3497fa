import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import t from 'tap'
import { Cursor, Underflow, Writer } from '../../lib/base/bytes.js'
import type { WireEntry } from '../../lib/wire/file-entry.js'
import { ListDecoder } from '../../lib/wire/list-decoder.js'
import { ListEncoder } from '../../lib/wire/list-encoder.js'
import { hasSafeList } from '../../lib/wire/terms.js'
import fc from '../support/properties.js'
import { anyEntries, anySession, type Session } from '../support/wire-entries.js'

const NAMES = { user: (id: number) => `u${id}`, group: (id: number) => `g${id}` }

const anyLists = anySession().chain((session) =>
  fc.record({
    session: fc.constant(session),
    lists: fc.array(anyEntries(session), { minLength: 1, maxLength: 3 }),
    ioError: fc.nat(7),
  }),
)

t.test('what is encoded is decoded, list after list', async () => {
  fc.assert(
    fc.property(anyLists, ({ session, lists, ioError }) => {
      const w = new Writer()
      const encoder = new ListEncoder(session.terms, session.options, NAMES)
      let start = 1
      for (const list of lists) {
        encoder.begin(start)
        for (const entry of list) encoder.entry(w, entry)
        encoder.end(w, ioError)
        start += list.length + 1
      }
      const bytes = w.done().slice()
      for (const size of [1, bytes.length])
        check(session, lists, ioError, decoded(session, lists.length, bytes, size))
    }),
    { numRuns: 1000 },
  )
})

type Decoded = { lists: WireEntry[][]; errors: number[] }

/** Bytes come `size` at a time, and every underflow is tried again from where the entry began. */
function decoded(session: Session, lists: number, bytes: Uint8Array, size: number): Decoded {
  const decoder = new ListDecoder(session.terms, session.options)
  let given = 0
  let at = 0
  const next = (): WireEntry | null => {
    for (;;) {
      const cursor = new Cursor(bytes.subarray(0, given))
      cursor.pos = at
      try {
        const entry = decoder.read(cursor)
        at = cursor.pos
        return entry
      } catch (error) {
        if (!(error instanceof Underflow)) throw error
        assert.ok(given < bytes.length, 'more is asked for than there is')
        given = Math.min(given + size, bytes.length)
      }
    }
  }
  const got: Decoded = { lists: [], errors: [] }
  let start = 1
  for (let i = 0; i < lists; i++) {
    decoder.begin(start)
    const list: WireEntry[] = []
    for (let entry = next(); entry !== null; entry = next()) list.push(entry)
    got.lists.push(list)
    got.errors.push(decoder.ioError)
    start += list.length + 1
  }
  assert.equal(at, bytes.length, 'every byte is used')
  return got
}

function check(
  { terms }: Session,
  sent: readonly WireEntry[][],
  ioError: number,
  got: Decoded,
): void {
  const isTold = hasSafeList(terms) || (terms.compat & 0x80) !== 0
  for (const error of got.errors) assert.equal(error, isTold ? ioError : 0)
  const firsts = new Map<string, { number: number; list: number; entry: WireEntry }>()
  let number = 1
  sent.forEach((entries, list) => {
    const expected = entries.map((entry) => {
      const first = entry.link === null ? undefined : firsts.get(entry.link)
      if (entry.link !== null && first === undefined)
        firsts.set(entry.link, { number, list, entry })
      const link =
        entry.link === null || terms.protocol < 30 ? entry.link : String(first?.number ?? number)
      number++
      const isToldAsFirst = first !== undefined && first.list === list && terms.protocol >= 30
      const { isRooted: _, ...attributes } = isToldAsFirst ? first.entry : entry
      return comparable(
        {
          ...attributes,
          name: entry.name,
          stands: { ...attributes.stands, base: entry.stands.base },
          xattrs: entry.xattrs,
          ...('isRooted' in entry ? { isRooted: true } : {}),
          link,
        },
        terms.protocol,
      )
    })
    number++
    assert.deepEqual(
      got.lists[list]?.map((entry) => comparable(entry, terms.protocol)),
      expected,
    )
  })
}

/** Without what only one end knows: names that rode along, values longer than what is sent, contents before protocol 30. */
function comparable(entry: WireEntry, protocol: number): unknown {
  return {
    ...entry,
    userName: null,
    groupName: null,
    isBare: protocol >= 30 && entry.isBare,
    sum: entry.sum === null ? null : Buffer.from(entry.sum).toString('hex'),
    xattrs: entry.xattrs.map(({ name, value, length, digest }) =>
      length <= 32 || name.startsWith('system.')
        ? { name, value }
        : {
            name,
            digest:
              value === null
                ? digest
                : createHash('md5')
                    .update(value, 'latin1')
                    .digest('latin1' as 'hex'),
          },
    ),
  }
}
