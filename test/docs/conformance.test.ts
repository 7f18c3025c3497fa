/** What the pages under docs/ name is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { projectFile } from '../support/project.js'

const read = (path: string): string => readFileSync(projectFile(path), 'utf8')

t.test('every test that docs/conformance.md names exists', async (t) => {
  const named = read('docs/conformance.md').match(/test\/[a-z/-]+\.test\.ts/g) ?? []
  t.ok(named.length > 30)
  t.same(
    named.filter((path) => !existsSync(projectFile(path))),
    [],
  )
})

t.test('every file that docs/hostile.md names exists', async (t) => {
  const named = read('docs/hostile.md').match(/(?:lib|test)\/[a-z/-]+(?:\.test)?\.ts/g) ?? []
  t.ok(named.length > 60)
  t.same(
    named.filter((path) => !existsSync(projectFile(path))),
    [],
  )
})

t.test('a row that says yes names a test', async (t) => {
  const rows = read('docs/conformance.md')
    .split('\n')
    .filter((line) => /^\| .*\| yes/.test(line))
  t.ok(rows.length > 10)
  t.same(
    rows.filter((row) => !row.includes('.test.ts')),
    [],
  )
})

t.test('every file of lib that docs/architecture.md names exists', async (t) => {
  const page = read('docs/architecture.md').split('## Not there yet')[0] ?? ''
  const inFolders = [...page.matchAll(/^([a-z]+)\/ {2,}(.*)$/gm)].flatMap(([, folder, text = '']) =>
    (text.match(/[a-z-]+\.ts/g) ?? []).map((file) => `lib/${folder}/${file}`),
  )
  const inText = [...page.matchAll(/`((?:[a-z]+\/)+[a-z-]+\.ts)`/g)].map(([, path = '']) =>
    /^(bin|lib|test)\//.test(path) ? path : `lib/${path}`,
  )
  t.ok(inFolders.length > 50 && inText.length > 30, `${inFolders.length}, ${inText.length}`)
  t.same(
    [...inFolders, ...inText].filter((path) => !existsSync(projectFile(path))),
    [],
  )
})

t.test('links between the pages lead somewhere', async (t) => {
  const pages = [
    'README.md',
    'docs/architecture.md',
    'docs/conformance.md',
    'docs/hostile.md',
    'docs/simulation.md',
  ]
  for (const page of pages)
    for (const [, to = ''] of read(page).matchAll(/\]\(([^)#:]+)\)/g))
      t.ok(existsSync(new URL(to, projectFile(page))), `${page}: ${to}`)
})

t.test('each decision says what it costs, under its own number', async (t) => {
  const seen = new Set<string>()
  for (const file of readdirSync(projectFile('docs/decisions/'))) {
    const text = read(`docs/decisions/${file}`)
    const number = file.slice(0, 4)
    t.ok(text.startsWith(`# ${number}: `), file)
    t.match(text, /^#+ Cost|^Cost:/m, file)
    t.notOk(seen.has(number), number)
    seen.add(number)
  }
})
