/** Releases: how what came in a snapshot is divided, and which files are of which. */
import assert from 'node:assert/strict'
import t from 'tap'
import { Demand } from '../../lib/mirror/demand.js'
import {
  dividedReleases,
  IMAGE_BYTES,
  isOfRelease,
  mayLieBelow,
  type PublishedFile,
  releaseId,
  weighed,
} from '../../lib/mirror/release.js'
import fc from '../support/properties.js'

const MIB = 1 << 20
const file = (name: string, bytes: number, since = 7): PublishedFile => ({ name, bytes, since })

t.test('an image is a release of its own, packages go together as far as 1 GiB', async (t) => {
  const files = [
    file('b/2.deb', (600 * MIB) / 10),
    file('a/1.deb', (500 * MIB) / 10),
    file('image.iso', 700 * MIB),
    file('dists/Packages', 100 * MIB),
    file('tiny', 100),
    ...Array.from({ length: 20 }, (_, i) => file(`c/${i + 10}.deb`, 60 * MIB)),
  ]
  const refs = dividedReleases('m', files)
  t.match(refs[0], { module: 'm', since: 7, from: 'image.iso', to: 'image.iso' })
  t.match(
    refs.slice(1).map(({ from, to }) => [from, to]),
    [
      ['a/1.deb', 'c/24.deb'],
      ['c/25.deb', 'c/29.deb'],
    ],
  )
  t.same(
    refs.map((ref) => weighed(ref, files)),
    [
      { kind: 'image', bytes: 700 * MIB },
      { kind: 'packages', bytes: 1010 * MIB },
      { kind: 'packages', bytes: 300 * MIB },
    ],
  )
  t.equal(new Set(refs.map(releaseId)).size, 3)
})

t.test('what is replaced is no longer of it, and moves no bounds', async (t) => {
  const files = [file('a', MIB), file('b', MIB), file('c', MIB)]
  const [ref] = dividedReleases('m', files)
  if (ref === undefined) throw new Error('nothing was divided')
  t.match(weighed(ref, [file('a', MIB, 8), file('b', MIB)]), { bytes: MIB })
  t.equal(weighed(ref, [file('a', MIB, 8)]), null)
  t.notOk(isOfRelease(ref, file('b', 100)), 'clients are not sent away for it')
  t.notOk(isOfRelease(ref, file('b', IMAGE_BYTES)), 'an image between them')
  t.notOk(isOfRelease(ref, file('d', MIB)))
})

t.test(
  'each file that may leave is of exactly one release, and may lie where it lies',
  async () => {
    const name = fc
      .array(fc.constantFrom('a', 'b', 'c0', 'a.iso', 'z\xff'), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('/'))
    const files = fc.uniqueArray(
      fc.record({ name, bytes: fc.constantFrom(100, MIB, 40 * MIB, 200 * MIB) }),
      { selector: (each) => each.name, maxLength: 60 },
    )
    fc.assert(
      fc.property(files, (found) => {
        const all = found.map(({ name, bytes }) => file(name, bytes))
        const refs = dividedReleases('m', all)
        for (const each of all) {
          const of = refs.filter((ref) => isOfRelease(ref, each))
          assert.equal(of.length, each.bytes < 65536 ? 0 : 1, each.name)
          for (let at = each.name.indexOf('/'); at > 0; at = each.name.indexOf('/', at + 1))
            for (const ref of of) assert.ok(mayLieBelow(ref, each.name.slice(0, at)))
          for (const ref of of) assert.ok(mayLieBelow(ref, ''))
        }
      }),
    )
  },
)

t.test('directories without any of it are not looked into', async (t) => {
  const ref = { module: 'm', since: 1, from: 'pool/b/1', to: 'pool/d/2' }
  const below = (directory: string): boolean => mayLieBelow(ref, directory)
  t.same(['pool', 'pool/b', 'pool/c', 'pool/d'].map(below), [true, true, true, true])
  t.same(['dists', 'pool/a', 'pool/e', 'poolx', 'q'].map(below), [
    false,
    false,
    false,
    false,
    false,
  ])
})

t.test('demand fades', async (t) => {
  const demand = new Demand()
  demand.asked('a', 900_000, 0)
  t.equal(demand.of('a', 0), 1000)
  demand.asked('a', 900_000, 900_000)
  t.equal(Math.round(demand.of('a', 900_000)), Math.round(1000 + 1000 / Math.E))
  t.ok(demand.of('a', 9e6) < 1)
  t.equal(demand.of('b', 0), 0)
  demand.keepOnly(new Set(['b']))
  t.equal(demand.of('a', 900_000), 0)
})
