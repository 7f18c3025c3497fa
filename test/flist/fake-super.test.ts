import t from 'tap'
import { FileError } from '../../lib/base/errors.js'
import {
  type FakeStat,
  faked,
  fakedName,
  formatFakeStat,
  modeBeneath,
  parseFakeStat,
  unfaked,
} from '../../lib/flist/fake-super.js'

/** As rsync 3.5.0 wrote them. */
const STATS: readonly (readonly [string, FakeStat])[] = [
  ['100644 0,0 0:0', { kind: 'file', mode: 0o644, uid: 0, gid: 0, major: 0, minor: 0 }],
  ['106755 0,0 1:2', { kind: 'file', mode: 0o6755, uid: 1, gid: 2, major: 0, minor: 0 }],
  ['41777 0,0 0:0', { kind: 'directory', mode: 0o1777, uid: 0, gid: 0, major: 0, minor: 0 }],
  ['60644 8,17 0:0', { kind: 'block', mode: 0o644, uid: 0, gid: 0, major: 8, minor: 17 }],
  ['20644 1,3 0:0', { kind: 'character', mode: 0o644, uid: 0, gid: 0, major: 1, minor: 3 }],
  ['10644 0,0 0:0', { kind: 'fifo', mode: 0o644, uid: 0, gid: 0, major: 0, minor: 0 }],
  ['140755 0,0 0:0', { kind: 'socket', mode: 0o755, uid: 0, gid: 0, major: 0, minor: 0 }],
  ['120777 0,0 1234:5678', { kind: 'symlink', mode: 0o777, uid: 1234, gid: 5678, major: 0, minor: 0 }],
] // biome-ignore format: a table

t.test('what is written of a file', async (t) => {
  for (const [text, stat] of STATS) {
    t.equal(formatFakeStat(stat), text)
    t.same(parseFakeStat(text), stat)
  }
  for (const text of ['', '100644', '190644 0,0 0:0', '100644 0,0 0:0 ', '000644 0,0 0:0', 'x'])
    t.throws(() => parseFakeStat(text), FileError, text)
  t.equal(modeBeneath('file', 0o4000), 0o600)
  t.equal(modeBeneath('directory', 0o1777), 0o777)
})

const bytes = (hex: string): string =>
  Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('latin1')

/** The kernel's, the mode beside it, and rsync's. */
const ACLS: readonly (readonly [string, number | null, string, string])[] = [
  [
    'a named user, a mask above the group',
    0o670,
    '02000000 01000600ffffffff 02000700d2040000 04000400ffffffff 10000700ffffffff 20000000ffffffff',
    '80000000 04000000 07000000 80000000 d204000007000080',
  ],
  [
    'a mask that is the group',
    0o640,
    '02000000 01000600ffffffff 0200070001000000 04000400ffffffff 0800040003000000 10000400ffffffff 20000000ffffffff',
    '80000000 80000000 04000000 80000000 0100000007000080 0300000004000000',
  ],
  [
    'a mask alone',
    0o640,
    '02000000 01000600ffffffff 04000000ffffffff 10000400ffffffff 20000000ffffffff',
    '80000000 00000000 04000000 80000000',
  ],
  [
    'a default without names',
    null,
    '02000000 01000700ffffffff 04000500ffffffff 20000000ffffffff',
    '07000000 05000000 80000000 00000000',
  ],
  [
    'a default with names',
    null,
    '02000000 01000700ffffffff 0200040005000000 04000500ffffffff 0800070003000000 10000100ffffffff 20000500ffffffff',
    '07000000 05000000 01000000 05000000 0500000004000080 0300000007000000',
  ],
]

t.test('ACLs', async (t) => {
  for (const [name, mode, real, fake] of ACLS) {
    const kind = mode === null ? 'default' : 'access'
    const x = { name: `system.posix_acl_${kind}`, value: bytes(real) }
    const kept = { name: `user.rsync.%${kind.charAt(0)}acl`, value: bytes(fake) }
    t.same(faked(x), kept, name)
    t.same(unfaked(kept, mode ?? 0o777), x, name)
    t.equal(fakedName(x.name), kept.name)
  }
  t.throws(() => unfaked({ name: 'user.rsync.%aacl', value: 'short' }, 0), FileError)
})

t.test('other attributes', async (t) => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['user.a', 'user.a'],
    ['user.rsync.trusted.a', 'trusted.a'],
    ['user.rsync.security.capability', 'security.capability'],
    ['user.rsync.x', 'user.rsync.x'],
    ['user.rsync.%stat', null],
    ['system.posix_acl_access', null],
  ]
  for (const [kept, seen] of cases)
    t.equal(unfaked({ name: kept, value: '' }, 0)?.name ?? null, seen, kept)
  t.equal(fakedName('trusted.a'), 'user.rsync.trusted.a')
  t.equal(fakedName('user.a'), 'user.a')
})
