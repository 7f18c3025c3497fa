/** --publish and --ignore, through a centre: what a pull finds. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pullFrom, startCentre } from '../support/centre.js'

const SOURCE = {
  'README.md': 'r',
  pool: { a: { 'a_1.deb': '1', 'a_1.tmp': 't' }, 'é.deb': 'e' },
  tmp: { deep: { 'x.deb': 'x' } },
  '.hidden.deb': 'h',
}
const CASES: readonly [what: string, publish: string[], ignore: string[], names: string[]][] = [
  [
    'everything',
    [],
    [],
    [
      'README.md',
      'pool/a/a_1.deb',
      'pool/a/a_1.tmp',
      'pool/é.deb',
      'tmp/deep/x.deb',
      '.hidden.deb',
    ],
  ],
  ['what matches', ['pool/**'], [], ['pool/a/a_1.deb', 'pool/a/a_1.tmp', 'pool/é.deb']],
  [
    'all but what is ignored',
    [],
    ['tmp/**', '**/*.tmp'],
    ['README.md', 'pool/a/a_1.deb', 'pool/é.deb', '.hidden.deb'],
  ],
  ['both', ['**/*.deb'], ['tmp/**'], ['pool/a/a_1.deb', 'pool/é.deb', '.hidden.deb']],
  ['several patterns', ['README.md', 'tmp/**'], [], ['README.md', 'tmp/deep/x.deb']],
]
const ALL = CASES[0]?.[3] ?? []

for (const [what, publish, ignore, names] of CASES)
  t.test(`published: ${what}`, async (t) => {
    const folder = t.testdir({ source: SOURCE })
    const choice = { publish, ignore }
    const centre = await startCentre(join(folder, 'source'), join(folder, 'state'), choice)
    t.teardown(() => centre.stop())
    const copy = join(folder, 'copy')
    await pullFrom(centre.url, copy)
    t.equal(centre.head.files, names.length)
    t.same(
      ALL.filter((name) => existsSync(join(copy, name))),
      ALL.filter((name) => names.includes(name)),
    )
  })

t.test('a file that comes to match, or goes, is in the next snapshot, or not', async (t) => {
  const folder = t.testdir({ source: SOURCE })
  const choice = { publish: ['**/*.deb'] }
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'), choice)
  t.teardown(() => centre.stop())
  t.equal(centre.head.files, 4)
  writeFileSync(join(folder, 'source/new.deb'), 'n')
  writeFileSync(join(folder, 'source/new.txt'), 'n')
  t.equal((await centre.rescan()).files, 5)
  rmSync(join(folder, 'source/tmp'), { recursive: true })
  t.equal((await centre.rescan()).files, 4)
})
