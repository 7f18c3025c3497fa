/** What a session remembers has room for so much, counted as it lies in memory and not as it came. */
import t from 'tap'
import { Cursor, Writer } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { readAcl } from '../../lib/wire/acl.js'
import { SessionReader, SessionRoom } from '../../lib/wire/session-list.js'
import { readXattrs } from '../../lib/wire/xattr.js'

const ROOM = 100_000
/** How many of these are taken before there is no room. */
function taken<T>(reader: SessionReader<T>, bytes: readonly number[]): number {
  const w = new Writer()
  w.put(Uint8Array.from(bytes))
  const sent = w.done()
  for (let count = 0; ; count++) {
    try {
      reader.read(new Cursor(sent))
    } catch (error) {
      if (error instanceof WireError && /too many ACLs and extended/.test(error.message))
        return count
      throw error
    }
    reader.commit()
  }
}
const acls = (room: SessionRoom): SessionReader<ReturnType<typeof readAcl>> =>
  new SessionReader(
    (c) => readAcl(c, () => {}),
    ({ named }) => named.length,
    room,
  )
const xattrs = (room: SessionRoom): SessionReader<ReturnType<typeof readXattrs>> =>
  new SessionReader(readXattrs, ({ length }) => length, room)

t.test('three bytes of an ACL take more than three bytes', async (t) => {
  t.equal(taken(acls(new SessionRoom(ROOM)), [0, 1, 7]), Math.floor(ROOM / (2 + 64)))
})
t.test('each name in an ACL, each attribute counts', async (t) => {
  const names = Array.from({ length: 100 }, () => [5, 0]).flat()
  t.equal(
    taken(acls(new SessionRoom(ROOM)), [0, 0x10, 100, ...names]),
    Math.floor(ROOM / (202 + 64 * 101)),
  )
  const each = Array.from({ length: 100 }, () => [2, 0, 97, 0]).flat()
  t.equal(
    taken(xattrs(new SessionRoom(ROOM)), [0, 100, ...each]),
    Math.floor(ROOM / (401 + 64 * 101)),
  )
})
t.test('all share the room; what went before takes none', async (t) => {
  const room = new SessionRoom(ROOM)
  const reader = acls(room)
  taken(reader, [0, 1, 7])
  t.equal(taken(xattrs(room), [0, 1, 2, 0, 97, 0]), 0)
  const again = new Writer()
  again.u8(1)
  const sent = again.done()
  for (let i = 0; i < 10_000; i++) reader.read(new Cursor(sent))
  t.pass('said by its number')
})
