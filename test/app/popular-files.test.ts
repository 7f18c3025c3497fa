/** What is kept of files that are asked for often, and that answers are those of the snapshot that stands. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PopularFiles, type ToldFile } from '../../lib/app/popular-files.js'
import type { Snapshot } from '../../lib/app/publish.js'
import { askAt } from '../support/ask.js'
import { startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'

t.test('from the second time, in one snapshot', async (t) => {
  const files = new PopularFiles()
  const told = { path: '/m/f' } as ToldFile
  const [one, two] = [{}, {}] as Snapshot[]
  files.add('/m/f', one ?? null, told)
  t.equal(files.get('/m/f', one ?? null), null)
  files.add('/m/f', one ?? null, told)
  t.equal(files.get('/m/f', one ?? null), told)
  t.equal(files.get('/m/g', one ?? null), null)
  t.equal(files.get('/m/f', two ?? null), null, 'in the next it may be another')
  const long = `/m/${'f'.repeat(600)}`
  for (let i = 0; i < 4; i++) files.add(long, one ?? null, told)
  t.equal(files.get(long, one ?? null), null, 'paths that would take much room are not kept')
})

t.test('a file that all ask for changes with its snapshot', async (t) => {
  const folder = t.testdir({ source: {}, state: {} })
  const file = join(folder, 'source', 'big')
  writeFileSync(file, ruled(100_000))
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'))
  t.teardown(() => centre.stop())
  const port = Number(new URL(centre.url).port)
  const said = async () => {
    const { status, headers, body } = await askAt(port, '/m/big', {}, 'GET')
    const { date: _, ...others } = headers
    return { status, headers: others, body: body.length }
  }
  // its digest is made when somebody asks; from then on each answer is the same
  let first = await said()
  while (first.headers['digest'] === undefined) first = await said()
  for (let i = 0; i < 4; i++) t.same(await said(), first)
  writeFileSync(file, ruled(150_000))
  await centre.rescan()
  const next = await said()
  t.equal(next.body, 150_000)
  t.not(next.headers['etag'], first.headers['etag'])
})
