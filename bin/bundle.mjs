/**
 * The second half of `npm run build`: dist/lib and dist/bin, which tsc wrote, become few files that start quickly.
 * docs/decisions/0041. Run: node bin/bundle.mjs
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const inRoot = (path) => join(root, path)
const common = { bundle: true, platform: 'node', logLevel: 'warning' }

/** Packages that are ES modules alone cannot be required: they come into the bundle. */
const { dependencies } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'))
const inside = ['bittorrent-protocol', 'chalk', 'ora', 'torrent-piece']
const external = Object.keys(dependencies).filter((name) => !inside.includes(name))

// A script, not a module: V8 keeps compiled code of scripts alone. What is imported late is required, and run, late all the same.
await build({
  ...common,
  entryPoints: [inRoot('dist/lib/cli/main.js')],
  outfile: inRoot('dist/lib/bundle/program.cjs'),
  format: 'cjs',
  external,
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'url' },
  banner: { js: '(function (module, require, url) {' },
  footer: { js: '})' },
})
await build({
  ...common,
  entryPoints: readdirSync(inRoot('dist/lib/io'))
    .filter((name) => name.endsWith('-worker.js'))
    .map((name) => inRoot(`dist/lib/io/${name}`)),
  outdir: inRoot('dist/lib/bundle'),
  format: 'cjs',
  external,
  define: { 'import.meta.url': 'url' },
  banner: { js: 'const url = require("node:url").pathToFileURL(__filename).href' },
})
// Threads start in two thirds of the time where theirs is no module either.
writeFileSync(inRoot('dist/lib/bundle/package.json'), '{ "type": "commonjs" }\n')
await build({
  ...common,
  entryPoints: [inRoot('dist/bin/prsync.js')],
  outfile: inRoot('dist/bin/prsync.cjs'),
  format: 'cjs',
  define: { 'import.meta.url': 'url' },
  banner: { js: 'const url = require("node:url").pathToFileURL(__filename).href' },
})
chmodSync(inRoot('dist/bin/prsync.cjs'), 0o755)
await keepCode()

/** Copies a little, as most who start the program do, and keeps the code that V8 made for it. */
async function keepCode() {
  const { CODE, load } = await import('../dist/bin/load.js')
  rmSync(CODE, { force: true })
  const { program, script } = load()
  const home = mkdtempSync(join(tmpdir(), 'prsync-build-'))
  try {
    const [from, to] = [join(home, 'from/'), join(home, 'to')]
    mkdirSync(join(from, 'd'), { recursive: true })
    for (const [i, name] of ['a', 'd/b', 'd/c'].entries())
      writeFileSync(join(from, name), 'x'.repeat(i * 1000))
    for (const options of [['-a'], ['-a', '--delete'], ['-aI', '--no-whole-file'], ['-a']]) {
      const status = await program.main([...options, from, to], 'prsync')
      if (status !== 0) throw new Error(`prsync ${options.join(' ')}: ${status}`)
    }
    writeFileSync(CODE, script.createCachedData())
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}
