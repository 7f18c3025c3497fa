/** --keep: what is deleted or replaced stays reachable for a while, and never at the cost of the pull. */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { EXIT } from '../../lib/base/errors.js'
import { contentRoot, leavesOf } from '../../lib/hash/merkle.js'
import { TreeContents } from '../../lib/io/contents.js'
import { Store } from '../../lib/io/store.js'
import { DiskTree } from '../../lib/io/tree.js'
import { pullFrom, startCentre } from '../support/centre.js'
import { onOwnDisk } from '../support/disk.js'
import { prsync } from '../support/program.js'
import { seededRandom } from '../support/seeded-random.js'
import { differences } from '../support/trees.js'

const random = seededRandom(23)
const bytes = (n: number): Buffer => Buffer.from(random.bytes(n))
const needsRoot = { skip: process.geteuid?.() === 0 ? false : 'needs root' }
const HOUR = 3600_000
const KEEP = { delete: true, keepMs: HOUR }

/** What a node of this tree would give of a content; null: nothing. */
async function given(dest: string, content: Uint8Array): Promise<Buffer | null> {
  const tree = new DiskTree(dest)
  const store = new Store(join(dest, '.~prsync~/index'))
  const contents = new TreeContents(tree, store)
  try {
    const holding = contents.find(contentRoot(content))
    if (holding === null) return null
    const leaves = holding.leaves()
    t.ok(leaves === null || Buffer.compare(leaves, leavesOf(content)) === 0, 'it can prove them')
    t.ok(leaves !== null || content.length <= 65536, 'leaf hashes of the large are known')
    return Buffer.from(await holding.read(0, holding.length))
  } finally {
    contents.close()
    await store.close()
    tree.close()
  }
}
const keptIn = (dest: string): string[] => {
  const top = join(dest, '.~prsync~/kept')
  return existsSync(top) ? readdirSync(top).flatMap((at) => readdirSync(join(top, at))) : []
}
/** As if the pull that kept them had begun at another time. */
function redate(dest: string, seconds: number): void {
  const top = join(dest, '.~prsync~/kept')
  const [at = ''] = readdirSync(top)
  renameSync(join(top, at), join(top, `${seconds}`))
}

t.test('deleted, replaced, below a deleted directory: given, cloned back, expired', async (t) => {
  const home = t.testdir({ source: { deep: {} }, state: {} })
  const source = join(home, 'source')
  const dest = join(home, 'dest')
  const old = { gone: bytes(5000), changed: bytes(300_000), 'deep/gone': bytes(200_000) }
  for (const [name, content] of Object.entries(old)) writeFileSync(join(source, name), content)
  writeFileSync(join(source, 'stays'), 'stays')
  const centre = await startCentre(source, join(home, 'state'))
  t.teardown(() => centre.stop())
  await pullFrom(centre.url, dest, KEEP)
  t.same(keptIn(dest), [], 'nothing went')

  rmSync(join(source, 'gone'))
  rmSync(join(source, 'deep'), { recursive: true })
  writeFileSync(join(source, 'changed'), bytes(300_000))
  await centre.rescan()
  t.match(await pullFrom(centre.url, dest, KEEP), { exit: EXIT.ok, files: { deleted: 3 } })
  t.strictSame(differences(source, dest), [])
  t.equal(keptIn(dest).length, 3)
  for (const [name, content] of Object.entries(old))
    t.ok((await given(dest, content))?.equals(content), name)

  await t.test('what comes back is cloned', async (t) => {
    writeFileSync(join(source, 'again'), old.changed)
    await centre.rescan()
    const report = await pullFrom(centre.url, dest, KEEP)
    t.match(report.bytes, { cloned: 300_000, centre: 0 })
    t.strictSame(differences(source, dest), [])
  })
  await t.test('a later pull removes what was kept long enough', async (t) => {
    redate(dest, Math.floor(Date.now() / 1000) - 1800)
    await pullFrom(centre.url, dest, KEEP)
    t.equal(keptIn(dest).length, 3, 'half an hour is not')
    redate(dest, Math.floor(Date.now() / 1000) - 3601)
    await pullFrom(centre.url, dest, KEEP)
    t.same(keptIn(dest), [])
    t.equal(await given(dest, old.gone), null)
    t.strictSame(differences(source, dest), [])
  })
})

t.test('a clock that went back: kept once more for as long, not for ever', async (t) => {
  const home = t.testdir({ source: { f: 'old' }, state: {} })
  const dest = join(home, 'dest')
  const centre = await startCentre(join(home, 'source'), join(home, 'state'))
  t.teardown(() => centre.stop())
  await pullFrom(centre.url, dest, KEEP)
  writeFileSync(join(home, 'source/f'), 'new one')
  await centre.rescan()
  await pullFrom(centre.url, dest, KEEP)
  const now = Math.floor(Date.now() / 1000)
  const top = join(dest, '.~prsync~/kept')
  redate(dest, now + 1_000_000)
  await pullFrom(centre.url, dest, KEEP)
  const [at = ''] = readdirSync(top)
  t.ok(Number(at) <= now + 60, at)
  t.equal(keptIn(dest).length, 1)
  await pullFrom(centre.url, dest)
  t.same(keptIn(dest), [], 'and a pull without --keep empties the place')
})

t.test('links that a killed pull left expire without the index knowing them', async (t) => {
  const home = t.testdir({ source: { f: 'x' }, state: {} })
  const dest = join(home, 'dest')
  const centre = await startCentre(join(home, 'source'), join(home, 'state'))
  t.teardown(() => centre.stop())
  await pullFrom(centre.url, dest, KEEP)
  mkdirSync(join(dest, '.~prsync~/kept/1000'), { recursive: true })
  linkSync(join(dest, 'f'), join(dest, '.~prsync~/kept/1000/abc'))
  t.equal((await pullFrom(centre.url, dest, KEEP)).exit, EXIT.ok)
  t.same(keptIn(dest), [])
  t.strictSame(differences(join(home, 'source'), dest), [])
})

t.test('out of disk, what is kept goes first, and the pull goes on', needsRoot, async (t) => {
  const home = t.testdir({ source: {}, state: {} })
  const source = join(home, 'source')
  const fill = (): void => {
    for (const i of [1, 2, 3]) writeFileSync(join(source, `f${i}`), bytes(700_000))
  }
  fill()
  const centre = await startCentre(source, join(home, 'state'))
  t.teardown(() => centre.stop())
  await onOwnDisk(t, 'size=5m', async (dest) => {
    t.equal((await pullFrom(centre.url, dest, KEEP)).exit, EXIT.ok)
    for (const round of [1, 2, 3]) {
      fill()
      await centre.rescan()
      t.equal((await pullFrom(centre.url, dest, KEEP)).exit, EXIT.ok, `round ${round}`)
      t.strictSame(differences(source, dest), [])
    }
  })
})

t.test('the option', async (t) => {
  const ran = await prsync(['pull', '--keep', 'long', 'http://127.0.0.1:1/m', t.testdir({})])
  t.match(ran, { status: 1, stderr: /--keep=long/ })
})
