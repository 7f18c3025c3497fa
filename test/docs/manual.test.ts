/** prsync(1) and the programs: every long option of one is in the other. */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { OPTIONS } from '../../lib/options/table.js'
import { projectFile } from '../support/project.js'

const page = readFileSync(projectFile('man/prsync.1'), 'utf8')

const SOURCES = readdirSync(projectFile('lib/cli/'))
const COMMANDS = SOURCES.flatMap(
  (file) => /^command-(?!(?:sync|server|daemon)\.)(.*)\.ts$/.exec(file)?.[1] ?? [],
)
/** Options that several commands share stand in files of their own. */
const SHARED = /from '\.\/([a-z]+-options)\.js'/g

/** Long options that a command's source declares; `--help` comes from what all commands share. */
function declared(file: string): string[] {
  const source = readFileSync(projectFile(`lib/cli/${file}.ts`), 'utf8')
  const found = new Set(['--help'])
  for (const [, flags = ''] of source.matchAll(/\.option\(\s*'([^']+)'/g))
    for (const [long] of flags.matchAll(/--[a-z][a-z-]*/g)) found.add(long)
  for (const [, shared = ''] of source.matchAll(SHARED))
    for (const long of declared(shared)) found.add(long)
  return [...found].sort()
}

/** Long options that head an item of a command's section. */
function documented(command: string): string[] {
  const section =
    new RegExp(`^\\.Ss prsync ${command}$([^]*?)^\\.S[sh] `, 'm').exec(page)?.[1] ?? ''
  const found = new Set<string>()
  for (const [item] of section.matchAll(/^\.It .*$/gm))
    for (const [, name] of item.matchAll(/\bFl -([a-z][a-z-]*)/g)) found.add(`--${name}`)
  return [...found].sort()
}

t.ok(COMMANDS.length > 1, 'there are commands')
for (const command of COMMANDS)
  t.test(`prsync ${command}: its options are those of the manual`, async (t) => {
    t.same(documented(command), declared(`command-${command}`))
  })

t.test('prsync SRC… DEST: its options are those of the table', async (t) => {
  const section = /^\.Ss prsync SRC \.\.\. DEST$(.*?)^\.S[sh] /ms.exec(page)?.[1] ?? ''
  const heads = [...section.matchAll(/^\.It (.*)$/gm)].map(([, head = '']) =>
    [...head.matchAll(/\bFl (-?[A-Za-z0-9@][A-Za-z0-9-]*)/g)].map(([, name]) => `-${name}`).sort(),
  )
  const rows = OPTIONS.filter((o) => o.hidden !== true).map(({ long, short, aliases = [] }) =>
    [
      ...(long === short ? [] : [`--${long}`]),
      ...(short === undefined ? [] : [`-${short}`]),
      ...aliases.map((alias) => `--${alias}`),
    ].sort(),
  )
  const inOrder = (all: string[][]): string[] => all.map((names) => names.join(' ')).sort()
  t.same(inOrder(heads), inOrder(rows))
  const said = new Set([...section.matchAll(/\bFl -([A-Za-z0-9-]+)/g)].map(([, name]) => name))
  for (const { long, off = [] } of OPTIONS)
    if (off.length > 0 && long !== 'msgs2stderr')
      t.ok(said.has(`no-${off[0]}`), `--no-${long} is told of`)
})

t.test('the package brings every page', async (t) => {
  const manifest: unknown = JSON.parse(readFileSync(projectFile('package.json'), 'utf8'))
  t.match(manifest, {
    man: readdirSync(projectFile('man/'))
      .map((name) => `man/${name}`)
      .sort(),
  })
})
