/** Images made of packages: what a centre finds, whichever of them comes first, in images and archives of real programs too. */
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
import t from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import { Store } from '../../lib/io/store.js'
import { pullFrom, startCentre } from '../support/centre.js'
import {
  bytes,
  imageOf,
  packages,
  plainImage,
  pulled,
  recipeIn,
  scene,
} from '../support/recipe-scene.js'
import { differences } from '../support/trees.js'

const missing = ['xorriso', 'tar'].find((p) => spawnSync(p, ['--version']).status !== 0)
const skip = missing === undefined ? false : `needs the Debian package ${missing}`
const missingOdd = ['cpio', 'zip', 'ar', 'mksquashfs'].find(
  (p) => spawnSync(p, ['--help']).error !== undefined,
)
const skipOdd = missingOdd === undefined ? false : `needs the Debian package ${missingOdd}`

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
  t.equal(store.anchors.has(contentRoot(first)), false)
  const kept = { offset: 1, low: 2, high: 3 }
  store.transaction(() => {
    store.anchors.put(contentRoot(last), kept)
    store.putValue('anchored', Uint8Array.of(2, 1))
  })
  await store.close()
  const centre = await startCentre(source, state)
  await centre.rescan()
  await centre.stop()
  const after = new Store(path)
  t.equal(after.anchors.has(contentRoot(first)), true)
  t.same([...(after.value('anchored') ?? [])], [3, 1])
  const all = after.anchors.after(null, 100).anchors.map(({ anchor }) => anchor)
  t.ok(
    all.some(({ offset, low }) => offset === 1 && low === 2),
    'the others stay',
  )
  await after.close()
})

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
  t.equal(store.anchors.count, 41)
  t.equal(store.places.named(5n).length, 0)
  t.ok(store.directory(byteName('pool')))
  await store.close()
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
