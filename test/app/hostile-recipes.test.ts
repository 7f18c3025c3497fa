/** Recipes that nobody would make: refused or of no use, and never wrong bytes. */
import { closeSync, cpSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT_NAME } from '../../lib/base/byte-name.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import type { ContentId } from '../../lib/hash/root.js'
import { Store } from '../../lib/io/store.js'
import { encodeRecipe, packLiterals, type Recipe } from '../../lib/snapshot/recipe.js'
import { startCentre } from '../support/centre.js'
import { contentOf } from '../support/contents.js'
import { bytes, plainImage, pulled, type Scene, scene } from '../support/recipe-scene.js'
import { differences } from '../support/trees.js'

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
