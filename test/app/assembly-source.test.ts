/** Images put together of packages by nodes that have all of them, some, other bytes or none. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { PullReport } from '../../lib/app/pull-report.js'
import { ROOT_NAME } from '../../lib/base/byte-name.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import { TreeContents } from '../../lib/io/contents.js'
import { Store } from '../../lib/io/store.js'
import { DiskTree } from '../../lib/io/tree.js'
import { pullFrom, startCentre } from '../support/centre.js'
import { bytes, imageOf, packages, plainImage, pulled, scene } from '../support/recipe-scene.js'
import { differences } from '../support/trees.js'

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
  t.ok(
    store.leaves.of(contentRoot(readFileSync(join(dest, 'image')))),
    'it can be proved to others',
  )
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
