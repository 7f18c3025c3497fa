import assert from 'node:assert/strict'
import t from 'tap'
import type { Entry, FileEntry } from '../../lib/flist/entry.js'
import { rootOf } from '../../lib/hash/root.js'
import type { Standing } from '../../lib/host.js'
import { decide, type Seen, type Wanted } from '../../lib/plan/decide.js'
import { itemize } from '../../lib/plan/itemize.js'
import { anyEntries, fileEntry } from '../support/entries.js'
import fc from '../support/properties.js'
import { standingOf } from '../support/standing.js'

const ROOT = rootOf(new Uint8Array(32).fill(1))
const OTHER = rootOf(new Uint8Array(32).fill(2))
const FILE: FileEntry = {
  ...fileEntry('f'),
  content: { root: ROOT, length: 9 },
  mtimeNs: 5_000_000_123n,
}
const LINK: Entry = { ...fileEntry('l'), kind: 'symlink', target: 'x', mode: 0o777 }
const NODE: Entry = { ...fileEntry('d'), kind: 'block', major: 8, minor: 1 }

const wanted = (entry: Entry): Wanted => ({ entry, uid: entry.user.id, gid: entry.group.id })
const seen = (entry: Entry, change: Partial<Standing> = {}, more: Partial<Seen> = {}): Seen => ({
  standing: standingOf(entry, change),
  target: entry.kind === 'symlink' ? entry.target : null,
  root: null,
  ...more,
})

const CASES: ReadonlyArray<
  [
    name: string,
    entry: Entry,
    seen: Seen | null,
    checksum: boolean,
    kind: string,
    line: string | null,
  ]
> = [
  ['nothing stands there', FILE, null, false, 'create', '>f+++++++++'],
  ['size and time are right', FILE, seen(FILE), false, 'keep', null],
  [
    'size and time are right, but the bytes are to be proved',
    FILE,
    seen(FILE),
    true,
    'update',
    '>fc........',
  ],
  ['proved', FILE, seen(FILE, {}, { root: ROOT }), true, 'keep', null],
  ['disproved', FILE, seen(FILE, {}, { root: OTHER }), true, 'update', '>fc........'],
  [
    'known to be other bytes',
    FILE,
    seen(FILE, {}, { root: OTHER }),
    false,
    'update',
    '>fc........',
  ],
  ['another size', FILE, seen(FILE, { size: 8 }), false, 'update', '>f.s.......'],
  ['another second', FILE, seen(FILE, { mtimeNs: 4_000_000_123n }), false, 'update', '>f..t......'],
  [
    'another second, but known to be the same bytes',
    FILE,
    seen(FILE, { mtimeNs: 1n }, { root: ROOT }),
    false,
    'touch',
    '.f..t......',
  ],
  [
    'a mirror that rsync made, without parts of a second',
    FILE,
    seen(FILE, { mtimeNs: 5_000_000_000n }),
    false,
    'touch',
    '.f..t......',
  ],
  ['another mode', FILE, seen(FILE, { mode: 0o600 }), false, 'touch', '.f...p.....'],
  ['another owner and group', FILE, seen(FILE, { uid: 1, gid: 2 }), false, 'touch', '.f....og...'],
  [
    'a directory in the way',
    FILE,
    seen(FILE, { kind: 'directory' }),
    false,
    'replace',
    '>f+++++++++',
  ],
  [
    'a link, for which the mode says nothing',
    LINK,
    seen(LINK, { mode: 0o755 }),
    false,
    'keep',
    null,
  ],
  ['another target', LINK, seen(LINK, {}, { target: 'y' }), false, 'update', 'cLc........'],
  ['another device', NODE, seen(NODE, { minor: 2 }), false, 'update', 'cDc........'],
]

for (const [name, entry, standing, checksum, kind, line] of CASES)
  t.test(`a ${entry.kind}: ${name}`, async (t) => {
    const decision = decide(wanted(entry), standing, checksum)
    t.equal(decision.kind, kind)
    t.equal(itemize(entry.kind, decision, 'received'), line)
  })

t.test('an empty file has nothing to prove', async (t) => {
  const empty = fileEntry('e')
  t.equal(decide(wanted(empty), seen(empty, { mtimeNs: 9n ** 12n }), true).kind, 'touch')
})

t.test('owners that nobody asks for do not differ', async (t) => {
  const whoever = { entry: FILE, uid: -1, gid: -1 }
  t.equal(decide(whoever, seen(FILE, { uid: 7, gid: 7 })).kind, 'keep')
})

t.test('what stands as it is wanted is kept, of whatever kind', async () => {
  fc.assert(
    fc.property(anyEntries, (entries) => {
      for (const entry of entries) assert.equal(decide(wanted(entry), seen(entry)).kind, 'keep')
    }),
  )
})
