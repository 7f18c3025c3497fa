import { spawnSync } from 'node:child_process'
import { utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { utf8Bytes } from '../../lib/base/bytes.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import type { ContentId } from '../../lib/hash/root.js'
import { decide } from '../../lib/plan/decide.js'
import { DELETING, itemize } from '../../lib/plan/itemize.js'
import { fileEntry } from '../support/entries.js'
import { standingOf } from '../support/standing.js'

const NONE = { content: false, size: false, time: false, mode: false, owner: false, group: false }
const ALL = { content: true, size: true, time: true, mode: true, owner: true, group: true }

t.test('the letters of rsync(1) --itemize-changes', async (t) => {
  const update = (changes: typeof ALL) => ({ kind: 'update', changes }) as const
  const touch = (changes: typeof ALL) => ({ kind: 'touch', changes }) as const
  t.equal(itemize('file', update(ALL), 'received'), '>fcstpog...')
  t.equal(itemize('file', update({ ...NONE, content: true, size: true }), 'local'), 'cfcs.......')
  t.equal(itemize('directory', touch({ ...NONE, time: true }), 'local'), '.d..t......')
  t.equal(itemize('directory', { kind: 'create' }, 'local'), 'cd+++++++++')
  t.equal(itemize('file', { kind: 'create' }, 'linked'), 'hf+++++++++')
  t.equal(itemize('symlink', { kind: 'create' }, 'received'), 'cL+++++++++')
  t.equal(itemize('fifo', { kind: 'create' }, 'received'), 'cS+++++++++')
  t.equal(itemize('file', { kind: 'keep' }, 'received'), null)
  t.equal(DELETING.length, 11)
})

// ---- the judge -------------------------------------------------------------------------------

const NEW = '1970-01-01T00:00:09Z'
const OLD = '1970-01-01T00:00:05Z'
const WANTED = 'hello\n'
/** What stands there, and when it was written. */
const STANDING: ReadonlyArray<[name: string, bytes: string, time: string]> = [
  ['same', WANTED, NEW],
  ['other-time', WANTED, OLD],
  ['other-bytes', 'hallo\n', NEW],
  ['other-bytes-and-time', 'hallo\n', OLD],
  ['other-size', 'hello\n\n', NEW],
  ['other-size-and-time', '', OLD],
]
const skip =
  spawnSync('rsync', ['--version']).status === 0 ? false : 'needs the Debian package rsync'
for (const checksum of [false, true])
  t.test(`the real rsync prints the same lines, checksum: ${checksum}`, { skip }, async (t) => {
    const folder = t.testdir({ from: {}, to: {} })
    const written = (side: string, name: string, bytes: string, time: string): void => {
      writeFileSync(`${folder}/${side}/${name}`, bytes, { mode: 0o644 })
      utimesSync(`${folder}/${side}/${name}`, new Date(time), new Date(time))
    }
    for (const [name, bytes, time] of STANDING) {
      written('from', name, WANTED, NEW)
      written('to', name, bytes, time)
    }
    const args = ['-tpin', ...(checksum ? ['-c'] : []), '-r', `${folder}/from/`, `${folder}/to/`]
    const said = new Map(
      spawnSync('rsync', args, { encoding: 'utf8' })
        .stdout.split('\n')
        .map((line) => [line.slice(12), line.slice(0, 11)]),
    )
    for (const [name, bytes, time] of STANDING) {
      const entry = { ...fileEntry(name), content: contentOf(WANTED), mtimeNs: nsOf(NEW) }
      const standing = standingOf(entry, { size: bytes.length, mtimeNs: nsOf(time) })
      const root = checksum && bytes !== '' ? contentOf(bytes).root : null
      const decision = decide(
        { entry, uid: -1, gid: -1 },
        { standing, target: null, root },
        checksum,
      )
      t.equal(itemize('file', decision, 'received') ?? undefined, said.get(name), name)
    }
  })

function contentOf(text: string): ContentId {
  return { root: contentRoot(utf8Bytes(text)), length: text.length }
}
function nsOf(time: string): bigint {
  return BigInt(Date.parse(time)) * 1_000_000n
}
