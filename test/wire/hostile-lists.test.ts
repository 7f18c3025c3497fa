import t from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import { Cursor, Writer } from '../../lib/base/bytes.js'
import { ProtocolError, WireError } from '../../lib/base/errors.js'
import { type WireEntry, XFLAG } from '../../lib/wire/file-entry.js'
import { writeVarint, writeVarlong } from '../../lib/wire/ints.js'
import { ListDecoder } from '../../lib/wire/list-decoder.js'
import { COMPAT, type ListOptions } from '../../lib/wire/terms.js'
import { ALL_OPTIONS, termsOf } from '../support/wire-entries.js'

const TERMS = termsOf(32, COMPAT.varFlags | COMPAT.incremental)
const SAME = XFLAG.sameTime | XFLAG.sameUid | XFLAG.sameGid

type Said = {
  readonly flags?: number
  readonly shared?: number
  readonly name?: string
  readonly first?: number
  readonly size?: number
  readonly nanoseconds?: number
  readonly mode?: number
  readonly target?: string
  readonly rest?: (w: Writer) => void
}
/** An entry as a sender could say it, of protocol 32 with all of ALL_OPTIONS. */
function say(w: Writer, { flags = SAME, name = 'f', ...said }: Said): void {
  writeVarint(w, flags | (said.shared === undefined ? 0 : XFLAG.sameName) | XFLAG.longName)
  if (said.shared !== undefined) w.u8(said.shared)
  writeVarint(w, name.length)
  w.latin1(name)
  if (said.first !== undefined) writeVarint(w, said.first)
  writeVarlong(w, said.size ?? 0, 3)
  if (said.nanoseconds !== undefined) writeVarint(w, said.nanoseconds)
  if (!(flags & XFLAG.sameMode)) w.i32le(said.mode ?? 0o100644)
  if (said.target !== undefined) {
    writeVarint(w, said.target.length)
    w.latin1(said.target)
  }
  said.rest?.(w)
}
type How = { readonly options?: Partial<ListOptions>; readonly within?: string }
function read(entries: readonly Said[], { options = {}, within }: How = {}): WireEntry[] {
  const w = new Writer()
  for (const said of entries) say(w, said)
  const decoder = new ListDecoder(TERMS, { ...ALL_OPTIONS, ...options })
  decoder.begin(1, within === undefined ? null : byteName(within))
  const c = new Cursor(w.done())
  return entries.flatMap(() => decoder.read(c) ?? [])
}
const refused = (t: Tap, what: string, entries: readonly Said[], how?: How): void => {
  t.throws(() => read(entries, how), WireError, what)
}
type Tap = { throws(run: () => unknown, error: typeof WireError, what: string): unknown }

t.test('names', async (t) => {
  t.equal(read([{ name: 'a/b' }])[0]?.name, 'a/b')
  for (const name of ['..', '../x', 'a/../b', 'a/..', '/a', 'a//b', 'a/', '', 'a\0b', './a', 'a/.'])
    refused(t, JSON.stringify(name), [{ name }])
  refused(t, 'a component too long', [{ name: 'x'.repeat(256) }])
  refused(t, 'too long', [{ name: 'x/'.repeat(2048) }])
  // rsync's status is 2 for this one.
  t.throws(() => read([{ name: '.' }]), ProtocolError, 'a file for the top')
  refused(t, 'more of the name before than it has', [{ name: 'abc' }, { name: 'd', shared: 4 }])
  refused(t, 'a way up made of two names', [{ name: '..a' }, { name: '/x', shared: 2 }])
})
t.test('names with a slash before them are for --relative', async (t) => {
  const [entry] = read([{ name: '/a/b' }], { options: { relative: true } })
  t.equal(entry?.name, 'a/b')
  t.equal(entry?.isRooted, true)
  for (const name of ['/../a', '/', '//'])
    refused(t, name, [{ name }], { options: { relative: true } })
})
t.test('names of a list are in its directory', async (t) => {
  t.equal(read([{ name: 'd/a' }], { within: 'd' }).length, 1)
  for (const name of ['a', 'd', 'd/e/a', 'e/a', '.'])
    refused(t, name, [{ name, mode: 0o040755 }], { within: 'd' })
  refused(t, 'the top, in the list of the top', [{ name: '.', mode: 0o040755 }], { within: '.' })
})
t.test('modes, sizes, times, targets', async (t) => {
  for (const mode of [0o644, 0o070644, 0o150644, -1, 0x10000 | 0o100644])
    refused(t, mode.toString(8), [{ mode }])
  t.equal(read([{ mode: 0 }])[0]?.isMissing, true)
  refused(t, 'size', [{ size: -1 }])
  for (const nanoseconds of [-1, 1_000_000_000])
    refused(t, 'nanoseconds', [{ flags: SAME | XFLAG.nanoseconds, nanoseconds }])
  const link = { mode: 0o120777 }
  for (const target of ['', 'x'.repeat(4096), 'a\0b']) refused(t, 'target', [{ ...link, target }])
})
t.test('hard links', async (t) => {
  const first = { flags: SAME | XFLAG.hardLinked | XFLAG.hardLinkFirst, name: 'a' }
  const flags = SAME | XFLAG.hardLinked
  t.same(
    read([first, { flags, name: 'b', first: 1 }]).map((entry) => entry.link),
    ['1', '1'],
  )
  for (const number of [0, 2, 3, -1])
    refused(t, 'to what is none', [first, { flags, name: 'b', first: number }])
  refused(t, 'to one that is alone', [{ name: 'a' }, { flags, name: 'b', first: 1 }])
  refused(t, 'directories', [{ ...first, mode: 0o040755 }])
  refused(t, 'not asked for', [first], { options: { hardLinks: false } })
})
t.test('ACLs', async (t) => {
  const acl = (...bytes: number[]): Said => ({
    rest: (w) => {
      w.put(Uint8Array.from(bytes))
    },
  })
  const how = { options: { acls: true } }
  t.equal(read([acl(0, 0)], how).length, 1)
  refused(t, 'one that was not sent', [acl(1)], how)
  refused(t, 'permission 8', [acl(0, 1, 8)], how)
  refused(t, 'permission 8 of a name', [acl(0, 0x10, 1, 5, 8 << 2)], how)
  refused(t, 'too many', [acl(0, 0x10, 0xc1, 1, 0)], how)
})
t.test('extended attributes', async (t) => {
  const xattr = (count: number, nameLength: number, length: number, name: string): Said => ({
    rest: (w) => {
      for (const n of [0, count, nameLength, length]) writeVarint(w, n)
      w.latin1(name)
    },
  })
  const how = { options: { xattrs: true } }
  t.same(read([xattr(1, 7, 1, 'user.a\0x')], how)[0]?.xattrs, [
    { name: 'user.a', value: 'x', length: 1, digest: '' },
  ])
  refused(t, 'too many', [xattr(65_537, 7, 1, 'user.a\0x')], how)
  refused(t, 'without a name', [xattr(1, 1, 1, '\0x')], how)
  refused(t, 'a name without its end', [xattr(1, 6, 1, 'user.ax')], how)
  refused(t, 'a name with a NUL', [xattr(1, 7, 1, 'user\0a\0x')], how)
  refused(
    t,
    'an ACL that did not come as one',
    [xattr(1, 25, 0, 'system.posix_acl_access\0\0')],
    how,
  )
  refused(t, 'a value too long', [xattr(1, 7, 2 ** 27 + 1, 'user.a\0')], how)
  refused(t, 'a value shorter than nothing', [xattr(1, 7, -1, 'user.a\0')], how)
  refused(
    t,
    'a set that was not sent',
    [
      {
        rest: (w) => {
          writeVarint(w, 1)
        },
      },
    ],
    how,
  )
})
