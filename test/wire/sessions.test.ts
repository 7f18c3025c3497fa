import t from 'tap'
import { formatRule } from '../../lib/flist/filter.js'
import { CVS_PATTERNS } from '../../lib/flist/filter-cvs.js'
import { ACL_ACCESS, ACL_DEFAULT } from '../../lib/flist/posix-acl.js'
import { openChecksum } from '../../lib/hash/checksum.js'
import type { WireEntry } from '../../lib/wire/file-entry.js'
import { COMPRESSORS } from '../../lib/wire/negotiate.js'
import { recordedSessions } from '../support/recordings.js'
import { type RecordedSession, readSession } from '../support/rsync-session.js'

/** By case: protocol, compressor, lists, entries, DONEs of generator and sender, files sent as name:literal bytes+blocks. */
const SESSIONS: Readonly<Record<string, string>> = {
  'daemon-auth-pull': 'pull 32 plain 1/1 5/4',
  'daemon-pull': 'pull 32 plain 1/1 5/4 f:3+0',
  'daemon-push': 'push 32 plain 1/1 5/4 f:5+0',
  'daemon-secluded-pull': 'pull 32 plain 1/1 5/4',
  'extras-p30-pull': 'pull 30 plain 3/13 6/5 f:6+0 d/a:4+0 d/b:4+0',
  'extras-p32-noinc-push': 'push 32 plain 1/13 5/4 f:6+0 d/a:4+0 d/b:4+0',
  'extras-p32-pull': 'pull 32 plain 3/13 7/6 f:6+0 d/a:4+0 d/b:4+0',
  'nodes-p27-pull': 'pull 27 plain 1/13 3/2 d/a:4+0 d/b:4+0 f:6+0',
  'nodes-p28-pull': 'pull 28 plain 1/13 3/2 d/a:4+0 d/b:4+0 f:6+0',
  'nodes-p29-pull': 'pull 29 plain 1/13 4/3 f:6+0 d/a:4+0 d/b:4+0',
  'nodes-p30-pull': 'pull 30 plain 3/13 6/5 f:6+0 d/a:4+0 d/b:4+0',
  'nodes-p31-pull': 'pull 31 plain 3/13 7/6 f:6+0 d/a:4+0 d/b:4+0',
  'nodes-p32-push': 'push 32 plain 3/13 7/6 f:6+0 d/a:4+0 d/b:4+0',
  'relative-p32-pull': 'pull 32 plain 5/7 9/8 x:2+0 tmp/cap/src/d/a:4+0 tmp/cap/src/d/b:4+0',
  'rmsrc-p29-pull': 'pull 29 plain 1/2 4/3 f:5+0',
  't2-cc-pull': 'pull 32 plain 3/8 7/6 delta:603+2 d/h1:4+0 d/h2:4+0 d/e/h3:4+0',
  't2-del-pull': 'pull 32 plain 3/8 7/6 delta:603+2 d/e/h3:4+0',
  't2-del-push': 'push 32 plain 3/8 7/6 delta:603+2 d/e/h3:4+0',
  't2-dry-pull': 'pull 32 plain 3/8 7/6 delta:0+0 d/e/h3:0+0',
  't2-filter-pull': 'pull 32 plain 2/6 6/5 delta:603+2 d/h1:4+0 d/h2:4+0',
  't2-filter-push': 'push 32 plain 2/6 6/5 delta:603+2 d/h1:4+0 d/h2:4+0',
  't2-inc-pull': 'pull 32 plain 3/8 7/6 delta:603+2 d/e/h3:4+0',
  't2-inc-push': 'push 32 plain 3/8 7/6 delta:603+2 d/e/h3:4+0',
  't2-lz4-pull': 'pull 32 lz4 3/8 7/6 delta:603+2 d/e/h3:4+0',
  't2-noinc-push': 'push 32 plain 1/8 5/4 delta:603+2 d/e/h3:4+0',
  't2-num-pull': 'pull 32 plain 1/8 5/4 delta:603+2 d/e/h3:4+0',
  't2-p27-pull': 'pull 27 plain 1/8 3/2 d/h2:4+0 delta:603+2',
  't2-p28-pull': 'pull 28 plain 1/8 3/2 d/h2:4+0 delta:603+2',
  't2-p28-push': 'push 28 plain 1/8 3/2 d/h2:4+0 delta:603+2',
  't2-p29-pull': 'pull 29 plain 1/8 4/3 delta:603+2 d/e/h3:4+0',
  't2-p29-push': 'push 29 plain 1/8 4/3 delta:603+2 d/e/h3:4+0',
  't2-p29z-push': 'push 29 zlib 1/8 4/3 delta:603+2 d/e/h3:4+0',
  't2-p30-pull': 'pull 30 plain 3/8 6/5 delta:603+2 d/e/h3:4+0',
  't2-p30-push': 'push 30 plain 3/8 6/5 delta:603+2 d/e/h3:4+0',
  't2-p31-pull': 'pull 31 plain 3/8 7/6 delta:603+2 d/e/h3:4+0',
  't2-zlib-push': 'push 32 zlib 3/8 7/6 delta:603+2 d/e/h3:4+0',
  't2-zlibx-pull': 'pull 32 zlibx 3/8 7/6 delta:603+2 d/e/h3:4+0',
  't2-zstd-pull': 'pull 32 zstd 3/8 7/6 delta:+2 d/e/h3:+0',
  'tiny-27-push': 'push 27 plain 1/2 3/2 f:5+0',
  'tiny-30-pull': 'pull 30 plain 1/2 4/3 f:5+0',
  'tiny-32-pull': 'pull 32 plain 1/2 5/4 f:5+0',
  'tiny-32-push': 'push 32 plain 1/2 5/4 f:5+0',
}

for (const name of recordedSessions())
  t.test(`session ${name}: every byte of both directions`, async (t) => {
    const session = await readSession(name)
    t.equal(summary(session), SESSIONS[name])
    for (const { name, iflags, isVerified, literalBytes } of session.answers)
      if (iflags & 0x8000 && literalBytes > 0 && canExpand(session))
        t.ok(isVerified, `${name} has its sum`)
  })
t.test('every session of the table is there', async (t) => {
  t.same(recordedSessions().sort(), Object.keys(SESSIONS).sort())
})

function canExpand({ terms }: RecordedSession): boolean {
  return terms.compressor === null || COMPRESSORS.includes(terms.compressor)
}
function summary({ terms, lists, dones, answers, isPull }: RecordedSession): string {
  const sent = answers.filter(({ iflags }) => iflags & 0x8000)
  const bytes = (file: (typeof sent)[number]): string =>
    terms.compressor === 'zstd' ? `+${file.blocks}` : `${file.literalBytes}+${file.blocks}`
  return [
    isPull ? 'pull' : 'push',
    terms.protocol,
    terms.compressor ?? 'plain',
    `${lists.length}/${lists.flat().length}`,
    dones.join('/'),
    ...sent.map((file) => `${file.name}:${bytes(file)}`),
  ].join(' ')
}

async function entriesOf(name: string): Promise<ReadonlyMap<string, WireEntry>> {
  const { lists } = await readSession(name)
  return new Map(lists.flat().map((entry) => [entry.name, entry]))
}

t.test('devices, special files, times and owners of every protocol', async (t) => {
  for (const protocol of [27, 28, 29, 30, 31, 32]) {
    const session = await readSession(`nodes-p${protocol}-${protocol === 32 ? 'push' : 'pull'}`)
    const entries = new Map<string, WireEntry>(
      session.lists.flat().map((entry) => [entry.name, entry]),
    )
    const node = (name: string): unknown => {
      const stands = entries.get(name)?.stands
      return [stands?.kind, stands?.mode, stands?.major, stands?.minor]
    }
    t.same(node('dev/null'), ['character', 0o644, 1, 3])
    t.same(node('dev/zero'), ['character', 0o644, 1, 5])
    t.same(node('dev/sda'), ['block', 0o644, 8, 0])
    t.same(node('dev/big'), ['character', 0o644, 300, 70_000])
    t.same(node('dev/fifo'), ['fifo', 0o644, 0, 0])
    t.same(node('dev/sock'), ['socket', 0o755, 0, 0])
    t.equal(entries.get('dev/link')?.target, '../f')
    t.equal(entries.get('dev/sock')?.stands.uid, 4242)
    t.equal(entries.get('dev/sock')?.stands.gid, 4243)
    t.equal(session.ids.user(1), 'daemon')
    t.equal(session.ids.group(2), 'bin')
    t.equal(session.ids.user(4242), null)
    const mtimeNs = entries.get('f')?.stands.mtimeNs
    t.equal(mtimeNs, 1_704_164_645_000_000_000n + (protocol < 31 ? 0n : 123_456_789n))
    // Times before 1970 have no word in old protocols.
    if (protocol >= 30) t.equal(entries.get('d/b')?.stands.mtimeNs, -31_438_555_000_000_000n)
    if (protocol < 32) continue
    t.equal(entries.get('f')?.atimeNs, 1_706_843_045_000_000_000n)
    const checksum = await openChecksum('xxh128', 0)
    checksum.start()
    checksum.update(Buffer.from('hello\n'))
    t.same(entries.get('f')?.sum, checksum.digest(), 'the sum of -c')
  }
})

t.test('ACLs and extended attributes', async (t) => {
  for (const name of ['extras-p30-pull', 'extras-p32-pull', 'extras-p32-noinc-push']) {
    const entries = await entriesOf(name)
    const xattr = (file: string, xattr: string): string | null | undefined => {
      const found = entries.get(file)?.xattrs.find(({ name }) => name === xattr)
      return found === undefined
        ? undefined
        : found.value === null
          ? null
          : Buffer.from(found.value, 'latin1').toString('hex')
    }
    t.equal(xattr('d/a', 'user.short'), '616263')
    t.equal(xattr('d/a', 'user.long'), null, 'its digest alone')
    t.equal(xattr('d/b', 'user.other'), '')
    const access =
      '02000000' +
      '01000600ffffffff' +
      '0200060001000000' +
      '04000400ffffffff' +
      '0800040002000000' +
      '10000600ffffffff' +
      '20000400ffffffff'
    t.equal(xattr('d/a', ACL_ACCESS), access)
    t.equal(xattr('f', ACL_ACCESS), access)
    t.equal(
      xattr('d', ACL_DEFAULT),
      '02000000' +
        '01000700ffffffff' +
        '0200070001000000' +
        '04000500ffffffff' +
        '10000700ffffffff' +
        '20000500ffffffff',
    )
    t.equal(xattr('dev', ACL_ACCESS), undefined)
  }
})

t.test('filter rules', async (t) => {
  const push = await readSession('t2-filter-push')
  const texts = push.filters.map(formatRule)
  t.same(texts.slice(0, 4), ['- d/e', '+ *.x', ':C .cvsignore', '-p RCS'])
  t.equal(texts.length, 3 + CVS_PATTERNS.length, 'what -C adds goes along')
  const pull = await readSession('t2-filter-pull')
  t.same(pull.filters.map(formatRule), ['- d/e', '+ *.x'], 'the server adds it itself')
})
