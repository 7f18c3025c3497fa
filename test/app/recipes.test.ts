/** Images put together of packages: found at a centre, pulled by nodes that have all of them, some, other bytes or none. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import t, { type Test } from 'tap'
import { pull } from '../../lib/app/pull.js'
import type { PullReport } from '../../lib/app/pull-report.js'
import { systemClock } from '../../lib/app/system.js'
import { byteName, ROOT_NAME } from '../../lib/base/byte-name.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import type { ContentId } from '../../lib/hash/root.js'
import { TreeContents } from '../../lib/io/contents.js'
import { Store } from '../../lib/io/store.js'
import { DiskTree } from '../../lib/io/tree.js'
import { decodeRecipe, encodeRecipe, packLiterals, type Recipe } from '../../lib/snapshot/recipe.js'
import { NO_EVENTS, pullConfig, pullFrom, startCentre } from '../support/centre.js'
import { contentOf } from '../support/contents.js'
import { seededRandom } from '../support/seeded-random.js'
import { differences } from '../support/trees.js'

const random = seededRandom(11)
const bytes = (n: number): Buffer => Buffer.from(random.bytes(n))
const missing = ['xorriso', 'tar'].find((p) => spawnSync(p, ['--version']).status !== 0)
const skip = missing === undefined ? false : `needs the Debian package ${missing}`
const missingOdd = ['cpio', 'zip', 'ar', 'mksquashfs'].find(
  (p) => spawnSync(p, ['--help']).error !== undefined,
)
const skipOdd = missingOdd === undefined ? false : `needs the Debian package ${missingOdd}`

type Scene = {
  readonly source: string
  readonly state: string
  readonly dest: string
}
/** Forty packages of all sizes, and whatever is made of them. */
function scene(t: Test, make: (source: string) => void): Scene {
  const home = t.testdir({ source: { pool: {} }, state: {} })
  const source = join(home, 'source')
  for (let i = 0; i < 40; i++)
    writeFileSync(join(source, `pool/p${i}.deb`), bytes(5000 + ((i * 7919) % 90_000)))
  writeFileSync(join(source, 'pool/large.deb'), bytes(1_500_000))
  make(source)
  return { source, state: join(home, 'state'), dest: join(home, 'dest') }
}
const packages = (source: string): Buffer[] =>
  Array.from({ length: 40 }, (_, i) => readFileSync(join(source, `pool/p${i}.deb`)))
/** Each at a multiple of 2048, as in an image. */
function imageOf(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.map((p) => Buffer.concat([p], Math.ceil(p.length / 2048) * 2048)))
}
function plainImage(source: string): void {
  const large = readFileSync(join(source, 'pool/large.deb'))
  writeFileSync(join(source, 'image'), imageOf([...packages(source), large]))
}

function recipeIn(state: string, content: Buffer): Recipe | null {
  const store = new Store(`${state}/modules/m`)
  const id = store.recipe(contentRoot(content))
  const blob = id === null ? null : store.blob(id.root)
  const recipe = blob === null ? null : decodeRecipe(blob, contentOf(content))
  void store.close()
  return recipe
}

/** With the lines of -i and the faults. */
async function pulled(
  url: string,
  dest: string,
): Promise<{ report: PullReport; items: string[]; faults: string[] }> {
  const items: string[] = []
  const events = {
    ...NO_EVENTS,
    item: (line: string, name: string) => items.push(`${line} ${name}`),
  }
  const host = { clock: systemClock, log: () => {}, userAgent: 'prsync/test' }
  const never = new AbortController().signal
  const { report, outcome } = await pull(pullConfig(url, dest), events, host, never)
  return { report, items, faults: outcome.faults.map(({ name, what }) => `${name}: ${what}`) }
}
const sums = ({ bytes: b }: PullReport): number =>
  b.cloned + b.assembled + b.delta + b.peers + b.centre

t.test('a node puts an image together of the packages of the same pull', async (t) => {
  const { source, state, dest } = scene(t, plainImage)
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  const { report, items } = await pulled(centre.url, dest)
  const { size } = statSync(join(source, 'image'))
  t.strictSame(differences(source, dest), [])
  t.match(report, { exit: 0, bytes: { assembled: size, wasted: 0 } })
  t.equal(report.bytes.centre, report.bytes.wanted - size)
  t.ok(items.includes('cf+++++++++ image'), 'shown as local')
  t.ok(items.includes('>f+++++++++ pool/large.deb'))
  t.equal(items.at(-1), 'cf+++++++++ image', 'packages first')
  const store = new Store(`${dest}/.~prsync~/index`)
  t.ok(store.leaves(contentRoot(readFileSync(join(dest, 'image')))), 'it can be proved to others')
  await store.close()
})

t.test('a node keeps recipes with their contents, and gives them to others', async (t) => {
  const { source, state, dest } = scene(t, plainImage)
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  await pullFrom(centre.url, dest)
  const image = contentRoot(readFileSync(join(source, 'image')))
  const tree = new DiskTree(dest)
  const store = new Store(`${dest}/.~prsync~/index`)
  const recipe = store.recipe(image)
  const contents = new TreeContents(tree, store)
  const given = contents.find(recipe?.root ?? image)?.readNow?.(0, recipe?.length ?? 0)
  t.equal(contentRoot(given ?? new Uint8Array(0)), recipe?.root)
  // What sweeps pages must not take it.
  t.ok([...store.hintRoots()].includes(recipe?.root ?? image))
  contents.close()
  store.transaction(() => store.putDirectory(ROOT_NAME, null))
  t.equal(store.recipe(image), null)
  t.equal(store.hasBlob(recipe?.root ?? image), false, 'it goes with its content')
  await store.close()
  tree.close()
})

t.test('the recipe tells all of a plain image, in little', async (t) => {
  const { source, state } = scene(t, plainImage)
  await (await startCentre(source, state)).stop()
  const recipe = recipeIn(state, readFileSync(join(source, 'image')))
  t.equal(recipe?.sources.length, 41)
  t.equal(
    recipe?.parts.reduce((sum, { length }) => sum + length, 0),
    statSync(join(source, 'image')).size,
  )
  t.equal(recipe?.parts.filter(({ kind }) => kind === 'copy').length, 41)
})

t.test('--assemble-min', async (t) => {
  const { source, state } = scene(t, plainImage)
  await (await startCentre(source, state, { assembleMin: null })).stop()
  const image = readFileSync(join(source, 'image'))
  t.equal(recipeIn(state, image), null)
  const later = await startCentre(source, state, { assembleMin: 2 ** 20 })
  writeFileSync(join(source, 'second'), Buffer.concat([bytes(2048), image]))
  await later.rescan()
  await later.stop()
  t.equal(
    recipeIn(state, readFileSync(join(source, 'second')))?.sources.length,
    1,
    'packages that were hashed before are known, and the image itself goes on longest',
  )
})

t.test(
  'an image that comes later, and packages that were indexed by an older version',
  async (t) => {
    const { source, state, dest } = scene(t, () => {})
    await (await startCentre(source, state, { assembleMin: null })).stop()
    const store = new Store(`${state}/modules/m`)
    store.transaction(() => store.removeValue('anchored'))
    await store.close()
    const index = open({ path: `${state}/modules/m`, maxDbs: 16 })
    await index.openDB({ name: 'anchors', keyEncoding: 'binary', encoding: 'binary' }).clearAsync()
    await index.close()
    const centre = await startCentre(source, state)
    t.teardown(() => centre.stop())
    await pullFrom(centre.url, dest)
    plainImage(source)
    await centre.rescan()
    const report = await pullFrom(centre.url, dest)
    t.strictSame(differences(source, dest), [])
    t.match(report.bytes, { assembled: report.bytes.wanted, centre: 0, peers: 0 })
  },
)

t.test('packages that come after their image, and in several looks', async (t) => {
  const { source, state, dest } = scene(t, () => {})
  const image = imageOf([
    ...packages(source),
    bytes(10_000),
    readFileSync(join(source, 'pool/large.deb')),
  ])
  cpSync(join(source, 'pool'), join(state, 'aside'), { recursive: true })
  rmSync(join(source, 'pool'), { recursive: true })
  mkdirSync(join(source, 'pool'))
  writeFileSync(join(source, 'first.iso'), image)
  writeFileSync(join(source, 'first.dat'), bytes(1_200_000))
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  t.equal(recipeIn(state, image), null)
  await pullFrom(centre.url, `${dest}-before`)
  cpSync(join(state, 'aside/p7.deb'), join(source, 'pool/p7.deb'))
  t.equal((await centre.rescan()).sequence, 2)
  t.equal(recipeIn(state, image), null, 'so little is not worth another look')
  cpSync(join(state, 'aside/large.deb'), join(source, 'pool/large.deb'))
  t.equal((await centre.rescan()).sequence, 3)
  t.equal((await centre.rescan()).sequence, 4, 'what is found between looks is published')
  t.equal(recipeIn(state, image)?.sources.length, 2)
  cpSync(join(state, 'aside'), join(source, 'pool'), { recursive: true })
  t.equal((await centre.rescan()).sequence, 5)
  t.equal((await centre.rescan()).sequence, 6)
  t.equal(recipeIn(state, image)?.sources.length, 41, 'one that tells little is replaced')
  const { bytes: b } = await pullFrom(centre.url, dest)
  t.strictSame(differences(source, dest), [])
  t.equal(b.assembled, image.length)
  const again = await pullFrom(centre.url, `${dest}-before`)
  t.strictSame(differences(source, `${dest}-before`), [])
  t.equal(
    again.bytes.wanted,
    again.files.fetched === 41 ? again.bytes.centre : -1,
    'nobody fetches the image again',
  )
  t.equal((await centre.rescan()).sequence, 6, 'and then it is left alone')
})

t.test('an image whose name tells nothing, and its packages after it', async (t) => {
  const { source, state } = scene(t, plainImage)
  const image = readFileSync(join(source, 'image'))
  renameSync(join(source, 'pool'), join(state, 'aside'))
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  t.equal(recipeIn(state, image), null)
  cpSync(join(state, 'aside'), join(source, 'pool'), { recursive: true })
  t.equal((await centre.rescan()).sequence, 2)
  t.equal(recipeIn(state, image), null, 'as many bytes again were hashed: not yet two for one')
  writeFileSync(join(source, 'more.gz'), bytes(500_000))
  t.equal((await centre.rescan()).sequence, 3)
  t.equal((await centre.rescan()).sequence, 4)
  t.equal(recipeIn(state, image)?.sources.length, 41)
})

t.test('images that stood before recipes were looked for', async (t) => {
  const { source, state } = scene(t, (source) => {
    plainImage(source)
    renameSync(join(source, 'image'), join(source, 'cd.iso'))
  })
  const image = readFileSync(join(source, 'cd.iso'))
  await (await startCentre(source, state, { assembleMin: null })).stop()
  const store = new Store(`${state}/modules/m`)
  store.transaction(() => store.removeValue('anchored'))
  await store.close()
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  t.equal((await centre.rescan()).sequence, 2, 'nothing new has to come for it')
  t.equal(recipeIn(state, image)?.sources.length, 41)
})

t.test('contents that have no anchor of the kind before', async (t) => {
  const { source, state } = scene(t, plainImage)
  await (await startCentre(source, state)).stop()
  const path = `${state}/modules/m`
  const [first, last] = [0, 39].map((i) => readFileSync(join(source, `pool/p${i}.deb`)))
  if (first === undefined || last === undefined) return
  const index = open({ path, maxDbs: 16 })
  const anchors = await index.openDB({ name: 'anchors', keyEncoding: 'binary', encoding: 'binary' })
  await anchors.remove(Buffer.from(contentRoot(first), 'latin1'))
  await index.close()
  const store = new Store(path)
  t.equal(store.hasAnchor(contentRoot(first)), false)
  const kept = { offset: 1, low: 2, high: 3 }
  store.transaction(() => {
    store.putAnchor(contentRoot(last), kept)
    store.putValue('anchored', Uint8Array.of(2, 1))
  })
  await store.close()
  const centre = await startCentre(source, state)
  await centre.rescan()
  await centre.stop()
  const after = new Store(path)
  t.equal(after.hasAnchor(contentRoot(first)), true)
  t.same([...(after.value('anchored') ?? [])], [3, 1])
  const all = after.anchorsAfter(null, 100).anchors.map(({ anchor }) => anchor)
  t.ok(
    all.some(({ offset, low }) => offset === 1 && low === 2),
    'the others stay',
  )
  await after.close()
})

t.test('look after look: what came in between is found too', async (t) => {
  const { source, state, dest } = scene(t, plainImage)
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  for (const name of ['second', 'third']) {
    const [small, large] = [bytes(30_000), bytes(1_100_000)]
    writeFileSync(join(source, `pool/${name}-small.deb`), small)
    writeFileSync(join(source, `pool/${name}-large.deb`), large)
    const whole = imageOf([...packages(source), large, small])
    writeFileSync(join(source, `image-${name}`), whole)
    await centre.rescan()
  }
  const report = await pullFrom(centre.url, dest)
  t.strictSame(differences(source, dest), [])
  const images = ['image', 'image-second', 'image-third']
  const size = images.reduce((sum, name) => sum + statSync(join(source, name)).size, 0)
  t.equal(report.bytes.assembled, size)
})

t.test('runs in common with another version that still stands', async (t) => {
  const old = bytes(3_000_000)
  const { source, state, dest } = scene(t, (source) =>
    writeFileSync(join(source, 'disk_1.0.img'), old),
  )
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  await pullFrom(centre.url, dest)
  const parts = [old.subarray(0, 700_416), bytes(5120), old.subarray(700_416, 2_000_000)]
  writeFileSync(
    join(source, 'disk_1.1.img'),
    Buffer.concat([...parts, bytes(512), old.subarray(2_000_000)]),
  )
  await centre.rescan()
  const { bytes: b } = await pullFrom(centre.url, dest)
  t.strictSame(differences(source, dest), [])
  t.match({ delta: b.delta, centre: b.centre }, { delta: 0, centre: 0 }, 'no sums, no search')
  t.equal(b.assembled, 3_005_632, 'and the new bytes came with the recipe')
})

t.test('a part of the packages, none of them, and one that is not what it was', async (t) => {
  const { source, state, dest } = scene(t, plainImage)
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  const image = readFileSync(join(source, 'image'))
  const only = [
    { kind: 'include', text: '/image' },
    { kind: 'exclude', text: '*' },
  ] as const
  const none = await pullFrom(centre.url, join(dest, '../none'), { rules: only })
  t.match(none, { exit: 0, bytes: { assembled: 0, centre: image.length, wasted: 0 } })
  t.ok(readFileSync(join(dest, '../none/image')).equals(image))

  const some = await pullFrom(centre.url, join(dest, '../some'), {
    rules: [{ kind: 'exclude', text: '/pool/p1*' }],
  })
  t.strictSame(readFileSync(join(dest, '../some/image')).equals(image), true)
  t.equal(some.bytes.wanted, sums(some))
  t.ok(some.bytes.assembled > 2_000_000 && some.bytes.assembled < image.length)
  t.equal(some.exit, 0)

  await pullFrom(centre.url, dest, { rules: [{ kind: 'exclude', text: '/image' }] })
  const wrong = join(dest, 'pool/p7.deb')
  const fd = openSync(wrong, 'r+')
  writeSync(fd, 'damage', 3000)
  closeSync(fd)
  execFileSync('touch', ['-r', join(source, 'pool/p7.deb'), wrong])
  const { report, faults } = await pulled(centre.url, dest)
  t.ok(readFileSync(join(dest, 'image')).equals(image), 'never wrong bytes')
  t.match(faults, [/^pool\/p7.deb: damaged/])
  t.equal(faults.length, 1, 'and nobody else is blamed')
  t.equal(report.bytes.assembled, image.length - 16_384, 'what was wrong counts for nothing')
  t.ok(report.bytes.centre <= 65_537, `over HTTP its own unit alone: ${report.bytes.centre}`)
  t.equal(report.exit, 23)
})

t.test('an old image and some of the new packages: each gives what it has', async (t) => {
  const { source, state, dest } = scene(t, plainImage)
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  await pullFrom(centre.url, dest, { rules: [{ kind: 'exclude', text: '/pool/' }] })
  const fresh = [3, 9, 27].map((i) => {
    rmSync(join(source, `pool/p${i}.deb`))
    const name = `pool/p${i}.deb`
    writeFileSync(join(source, name), bytes(200_000 + i))
    return name
  })
  plainImage(source)
  await centre.rescan()
  const rules = [
    { kind: 'include', text: '/pool/' },
    { kind: 'include', text: '/pool/p3.deb' },
    { kind: 'include', text: '/pool/p9.deb' },
    { kind: 'exclude', text: '/pool/*' },
  ] as const
  const report = await pullFrom(centre.url, dest, { rules })
  const [image, copy] = [source, dest].map((of) => readFileSync(join(of, 'image')))
  t.ok(image !== undefined && copy?.equals(image))
  const { wanted, assembled, delta, centre: came } = report.bytes
  t.equal(wanted, sums(report))
  t.ok(assembled >= 400_000, `two packages here: ${assembled}`)
  t.ok(delta > 2_500_000, `the old image: ${delta}`)
  const third = statSync(join(source, fresh[2] ?? '')).size
  t.ok(came < 400_012 + third + 100_000, `the third, and the two themselves: ${came}`)
})

t.test('an interrupted image goes on where it was', async (t) => {
  const { source, state, dest } = scene(t, plainImage)
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  const rules = [{ kind: 'exclude', text: '/pool/p1*' }] as const
  await pullFrom(centre.url, dest, { rules: [...rules, { kind: 'exclude', text: '/image' }] })
  const image = readFileSync(join(source, 'image'))
  const name = `${dest}/.~prsync~/partial/${Buffer.from(contentRoot(image), 'latin1').toString('hex')}`
  // As a run leaves it that was killed: some units verified, the rest of the file whatever it was.
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  const units = Buffer.concat([Buffer.from(boot), Buffer.from([0b101]), Buffer.alloc(9)])
  const half = Buffer.alloc(image.length, 'junk')
  image.copy(half, 0, 0, 65_536)
  image.copy(half, 131_072, 131_072, 196_608)
  writeFileSync(name, half)
  writeFileSync(`${name}.units`, units)
  const report = await pullFrom(centre.url, dest, { rules })
  t.ok(readFileSync(join(dest, 'image')).equals(image))
  t.ok(report.bytes.assembled > 1_500_000)
  t.equal(report.exit, 0)
})

t.test('an archive of an image: what is made of others comes after them', async (t) => {
  const { source, state, dest } = scene(t, (source) => {
    plainImage(source)
    const image = readFileSync(join(source, 'image'))
    writeFileSync(join(source, 'a-bundle'), imageOf([bytes(4000), image, bytes(70_000)]))
  })
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  const { report } = await pulled(centre.url, dest)
  t.strictSame(differences(source, dest), [])
  const images = ['image', 'a-bundle'].map((name) => statSync(join(source, name)).size)
  t.ok(report.bytes.assembled >= (images[0] ?? 0) + (images[1] ?? 0) - 80_000)
})

t.test('real images, archives and sparse disks', { skip }, async (t) => {
  const { source, state, dest } = scene(t, (source) => {
    const quiet = { stdio: 'ignore' } as const
    execFileSync(
      'xorriso',
      ['-as', 'mkisofs', '-quiet', '-r', '-J', '-o', join(source, 'cd.iso'), join(source, 'pool')],
      quiet,
    )
    execFileSync('tar', ['cf', join(source, 'pool.tar'), '-C', source, 'pool'], quiet)
    const disk = join(source, 'disk.img')
    writeFileSync(disk, '')
    truncateSync(disk, 50_000_000)
    const fd = openSync(disk, 'r+')
    writeSync(fd, readFileSync(join(source, 'pool/large.deb')), 0, 1_500_000, 20_480_000)
    writeSync(fd, readFileSync(join(source, 'pool/p3.deb')), 0, 20_000, 31_000_063)
    closeSync(fd)
  })
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  const { report } = await pulled(centre.url, dest)
  t.strictSame(differences(source, dest), [])
  for (const name of ['cd.iso', 'pool.tar', 'disk.img']) {
    const content = readFileSync(join(source, name))
    const recipe = recipeIn(state, content)
    const told = recipe?.parts.reduce((sum, { length }) => sum + length, 0) ?? 0
    t.equal(told, content.length, `all of ${name} is told`)
    t.ok((recipe?.packed.length ?? 0) < 25_000, `with few literals: ${recipe?.packed.length}`)
  }
  t.match(report, { exit: 0, bytes: { wasted: 0 } })
})

t.test('archives whose files stand anywhere', { skip: skipOdd }, async (t) => {
  const { source, state, dest } = scene(t, (source) => {
    const quiet = { cwd: join(source, 'pool'), stdio: 'ignore' } as const
    const names = Array.from({ length: 40 }, (_, i) => `p${i}.deb`)
    names.push('large.deb')
    execFileSync('sh', ['-c', 'ls | cpio -o -H newc -O ../initrd.cpio'], quiet)
    const plain = ['-noI', '-noD', '-noF', '-no-fragments', '-nopad', '-quiet']
    execFileSync('mksquashfs', ['.', '../live.squashfs', ...plain], quiet)
    execFileSync('zip', ['-q', '-0', '../stored.zip', ...names], quiet)
    execFileSync('ar', ['rcS', '../all.a', ...names], quiet)
    const disk = openSync(join(source, 'disk.qcow2'), 'w')
    writeSync(disk, readFileSync(join(source, 'pool/large.deb')), 0, 1_400_001, 3_000_017)
    closeSync(disk)
    const image = packages(source).flatMap((p, i) => [bytes(i * 3 + 1), p])
    writeFileSync(join(source, 'odd.bin'), Buffer.concat(image))
  })
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  const { report } = await pulled(centre.url, dest)
  t.strictSame(differences(source, dest), [])
  let size = 0
  for (const name of [
    'initrd.cpio',
    'live.squashfs',
    'stored.zip',
    'all.a',
    'disk.qcow2',
    'odd.bin',
  ]) {
    const content = readFileSync(join(source, name))
    size += content.length
    const recipe = recipeIn(state, content)
    const told = recipe?.parts.reduce((sum, { length }) => sum + length, 0) ?? 0
    t.equal(told, content.length, `all of ${name} is told`)
    t.ok((recipe?.packed.length ?? 0) < 10_000, `with few literals: ${recipe?.packed.length}`)
  }
  t.match(report, { exit: 0, bytes: { assembled: size, wasted: 0 } })
})

/** Publishes with a recipe for the image that nobody would make. */
async function withRecipe(scene: Scene, recipe: Uint8Array, id?: ContentId): Promise<string> {
  const { source, state } = scene
  await (await startCentre(source, state, { assembleMin: null })).stop()
  const store = new Store(`${state}/modules/m`)
  const record = store.directory(ROOT_NAME)
  store.transaction(() => {
    const named = id ?? { root: contentRoot(recipe), length: recipe.length }
    if (id === undefined) store.putBlob(named, recipe)
    store.putRecipe(contentRoot(readFileSync(join(source, 'image'))), named)
    if (record !== null) store.putDirectory(ROOT_NAME, { ...record, built: false, settled: null })
  })
  await store.close()
  return state
}

/** Two of the same 4000 bytes, as if the gap between them could be below zero: 64 bits of it. */
function overlapping(length: number, source: ContentId): Uint8Array {
  const range = (offset: number) =>
    ({ offset, length: 4000, kind: 'copy', source: 0, from: 0 }) as const
  const parts = [range(0), range(4000)]
  const good = encodeRecipe({ length, sources: [source], parts, packed: new Uint8Array(0) })
  // The last six bytes: gap, length (two), source, from, literals.
  const at = good.length - 6
  const back = Uint8Array.of(0xe0, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01) // -2000
  return Buffer.concat([good.subarray(0, at), back, good.subarray(at + 1)])
}

t.test('hostile recipes: refused or of no use, never wrong bytes', async (t) => {
  const base = scene(t, plainImage)
  const image = readFileSync(join(base.source, 'image'))
  const p0 = contentOf(readFileSync(join(base.source, 'pool/p0.deb')))
  const own = contentOf(image)
  const ghost = { root: contentRoot(bytes(10)), length: 2 ** 40 }
  const recipe = (
    sources: ContentId[],
    parts: Recipe['parts'],
    packed = Buffer.alloc(0),
  ): Uint8Array => encodeRecipe({ length: image.length, sources, parts, packed })
  const copy = (offset: number, length: number, from = 0) =>
    ({ offset, length, kind: 'copy', source: 0, from }) as const
  const wrongLiterals = packLiterals(bytes(300_000))
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['noise', bytes(5000)],
    ['itself', recipe([own], [copy(0, image.length)])],
    ['contents that do not exist', recipe([ghost], [copy(0, image.length, 2 ** 30)])],
    ['past its own end', recipe([p0], [copy(image.length - 10, 20)])],
    ['past the end of a source', recipe([p0], [copy(0, p0.length + 1)])],
    ['a true source at the wrong place', recipe([p0], [copy(100_000, p0.length)])],
    ['zeros for all of it', recipe([], [{ kind: 'zeros', offset: 0, length: image.length }])],
    [
      'wrong literals',
      recipe([], [{ kind: 'literal', offset: 0, length: 300_000 }], Buffer.from(wrongLiterals)),
    ],
    [
      'literals that swell',
      recipe(
        [],
        [{ kind: 'literal', offset: 0, length: 100 }],
        Buffer.from(packLiterals(new Uint8Array(2 ** 24))),
      ),
    ],
    [
      'two hundred thousand parts of one byte',
      recipe(
        [p0],
        Array.from({ length: 200_000 }, (_, i) => copy(i * 2, 1, i % 5000)),
      ),
    ],
    [
      'a million ranges',
      recipe(
        [p0],
        Array.from({ length: 1_000_000 }, (_, i) => copy(i * 3, 1, i % 5000)),
      ),
    ],
    ['ranges that overlap', overlapping(image.length, p0)],
  ]
  for (const [i, [name, bad]] of cases.entries()) {
    rmSync(base.state, { recursive: true, force: true })
    await withRecipe(base, bad)
    const centre = await startCentre(base.source, base.state, { assembleMin: null })
    const dest = `${base.dest}${i}`
    const before = performance.now()
    const { report, faults } = await pulled(centre.url, dest)
    await centre.stop()
    t.strictSame(differences(base.source, dest), [], name)
    t.match({ exit: report.exit, faults }, { exit: 0, faults: [] }, `${name}: nobody is blamed`)
    t.ok(performance.now() - before < 20_000, `${name}: soon enough`)
    rmSync(dest, { recursive: true, force: true })
  }
})

t.test(
  'two images that are said to be made of one another, and a recipe that is nowhere',
  async (t) => {
    const base = scene(t, (source) => {
      plainImage(source)
      cpSync(join(source, 'image'), join(source, 'twin'))
      const fd = openSync(join(source, 'twin'), 'r+')
      writeSync(fd, 'another', 0)
      closeSync(fd)
    })
    const [image, twin] = ['image', 'twin'].map((name) => readFileSync(join(base.source, name)))
    if (image === undefined || twin === undefined) return
    const of = (source: Buffer): Uint8Array =>
      encodeRecipe({
        length: image.length,
        sources: [contentOf(source)],
        parts: [{ offset: 0, length: image.length, kind: 'copy', source: 0, from: 0 }],
        packed: new Uint8Array(0),
      })
    await withRecipe(base, of(twin))
    const store = new Store(`${base.state}/modules/m`)
    const other = of(image)
    store.transaction(() => {
      store.putBlob({ root: contentRoot(other), length: other.length }, other)
      store.putRecipe(contentRoot(twin), { root: contentRoot(other), length: other.length })
    })
    await store.close()
    const centre = await startCentre(base.source, base.state, { assembleMin: null })
    const cyclic = await pulled(centre.url, base.dest)
    await centre.stop()
    t.strictSame(differences(base.source, base.dest), [])
    t.equal(cyclic.report.exit, 0)

    rmSync(base.state, { recursive: true })
    await withRecipe(base, bytes(1), { root: contentRoot(bytes(7)), length: 7000 })
    const lacking = await startCentre(base.source, base.state, { assembleMin: null })
    const { report } = await pulled(lacking.url, `${base.dest}2`)
    await lacking.stop()
    t.strictSame(differences(base.source, `${base.dest}2`), [])
    t.equal(report.exit, 0)
  },
)

t.test('a recipe goes with its content', async (t) => {
  const { source, state } = scene(t, plainImage)
  const centre = await startCentre(source, state)
  const image = readFileSync(join(source, 'image'))
  renameSync(join(source, 'image'), join(source, 'moved'))
  await centre.rescan()
  t.ok(recipeIn(state, image), 'a name alone changed')
  rmSync(join(source, 'moved'))
  mkdirSync(join(source, 'x'))
  await centre.rescan()
  await centre.stop()
  t.equal(recipeIn(state, image), null)
  const store = new Store(`${state}/modules/m`)
  t.equal(store.anchorCount, 41)
  t.equal(store.placesNamed(5n).length, 0)
  t.ok(store.directory(byteName('pool')))
  await store.close()
})
