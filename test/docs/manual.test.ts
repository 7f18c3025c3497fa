/** prsync(1) and the programs: every long option of one is in the other. */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { projectFile } from '../support/project.js'

const page = readFileSync(projectFile('man/prsync.1'), 'utf8')

/** Long options that a command's source declares; `--help` comes from what all commands share. */
function declared(files: readonly string[]): string[] {
  const found = new Set(['--help'])
  for (const file of files) {
    const source = readFileSync(projectFile(`lib/cli/${file}`), 'utf8')
    for (const [, flags = ''] of source.matchAll(/\.option\(\s*'([^']+)'/g))
      for (const [long] of flags.matchAll(/--[a-z][a-z-]*/g)) found.add(long)
  }
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

const SHARED = readdirSync(projectFile('lib/cli/')).filter((name) => name.endsWith('-options.ts'))
const COMMANDS: ReadonlyArray<[command: string, files: string[]]> = [
  ['pull', ['command-pull.ts', ...SHARED]],
  ['serve', ['command-serve.ts']],
]
for (const [command, files] of COMMANDS)
  t.test(`prsync ${command}: its options are those of the manual`, async (t) => {
    t.ok(declared(files).length > 5)
    t.same(documented(command), declared(files))
  })

t.test('the package brings every page', async (t) => {
  const manifest: unknown = JSON.parse(readFileSync(projectFile('package.json'), 'utf8'))
  t.match(manifest, {
    man: readdirSync(projectFile('man/'))
      .map((name) => `man/${name}`)
      .sort(),
  })
})
