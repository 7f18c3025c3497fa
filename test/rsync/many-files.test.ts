/** More files than one thread copies alone: what threads do must not be told from what one does. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs'
import t from 'tap'
import { PROGRAM, prsync } from '../support/program.js'

const DIRECTORIES = 20
const EACH = 60
const ALL = DIRECTORIES * EACH

/** A tree of small files, each with bytes of its own. */
function fill(top: string): void {
  for (let d = 0; d < DIRECTORIES; d++) {
    mkdirSync(`${top}/d${d}`, { recursive: true })
    for (let i = 0; i < EACH; i++) {
      const path = `${top}/d${d}/f${i}`
      writeFileSync(path, `${d} ${i} `.repeat(i))
      chmodSync(path, i % 3 === 0 ? 0o600 : 0o644)
      utimesSync(path, 1e9 + d, 1e9 + i)
    }
    utimesSync(`${top}/d${d}`, 1e9, 1e9 + d)
  }
  // Before whatever is done to the copy, also within a second.
  utimesSync(top, 1e9, 1e9)
}
/** Every file and directory with what is kept of it. */
function described(top: string): string[] {
  return readdirSync(top, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { mode, mtimeMs, size } = statSync(`${top}/${name}`)
      const isFile = (mode & 0o170000) === 0o100000
      const text = isFile ? readFileSync(`${top}/${name}`, 'utf8') : ''
      return `${name} ${mode.toString(8)} ${mtimeMs} ${isFile ? size : ''} ${text}`
    })
}

t.test('a tree, the same again, and what has changed', async (t) => {
  const folder = t.testdir({ from: {} })
  const [from, to] = [`${folder}/from`, `${folder}/to`]
  fill(from)
  const first = await prsync(['-ai', '--stats', `${from}/`, `${to}/`])
  t.match(first, { status: 0, stderr: '' })
  t.match(first.stdout, `Number of regular files transferred: ${ALL.toLocaleString('en')}`)
  t.same(described(to), described(from))

  const again = await prsync(['-ai', '--delete', '--stats', `${from}/`, `${to}/`])
  t.match(again, { status: 0, stderr: '' })
  t.match(again.stdout, 'Number of files: 1,221 (reg: 1,200, dir: 21)')
  t.notMatch(again.stdout, /^[.>c*][fd]/m, 'nothing to tell')

  writeFileSync(`${from}/d3/f7`, 'changed')
  writeFileSync(`${to}/d5/extra`, '')
  chmodSync(`${to}/d9/f1`, 0o640)
  rmSync(`${to}/d11`, { recursive: true })
  chmodSync(`${to}/d13`, 0o700)
  const { status, stdout } = await prsync(['-ai', '--delete', `${from}/`, `${to}/`])
  t.equal(status, 0)
  const told = stdout.trim().split('\n')
  t.equal(told.filter((line) => line.includes(' d11/')).length, EACH + 1)
  t.same(
    told.filter((line) => !line.includes(' d11/')),
    [
      '.d..t...... ./',
      '.d...p..... d13/',
      '>f.st...... d3/f7',
      '.d..t...... d5/',
      '*deleting   d5/extra',
      '.f...p..... d9/f1',
    ],
  )
  t.same(described(to), described(from))
})

t.test('files that cannot be read or written are told, the others are copied', async (t) => {
  const folder = t.testdir({ from: {}, to: { d17: { f30: { in: '' } } } })
  const [from, to] = [`${folder}/from`, `${folder}/to`]
  fill(from)
  const { status, stderr } = await prsync(['-a', `${from}/`, `${to}/`])
  t.equal(status, 23)
  t.match(stderr, /could not make way for new regular file: d17\/f30/)
  t.equal(described(to).length, described(from).length + 1)
})

t.test('stopped in the middle it leaves no file half made', async (t) => {
  const folder = t.testdir({ from: {}, to: {} })
  const [from, to] = [`${folder}/from`, `${folder}/to`]
  fill(from)
  const watcher = watch(to)
  const child = spawn(process.execPath, [PROGRAM, '-a', `${from}/`, `${to}/`], { stdio: 'ignore' })
  // Threads begin at the seventh directory in byte order; this is the eighth.
  await new Promise<void>((resolve) => {
    watcher.on('change', (_, name) => {
      if (name === 'd15') resolve()
    })
  })
  child.kill('SIGINT')
  await once(child, 'exit')
  watcher.close()
  const names = readdirSync(to, { recursive: true, encoding: 'utf8' })
  t.same(
    names.filter((name) => /\/\./.test(name)),
    [],
    'no temporary file',
  )
  for (const name of names.filter((one) => /\/f/.test(one)))
    t.ok(readFileSync(`${to}/${name}`).equals(readFileSync(`${from}/${name}`)), name)
  t.ok(existsSync(`${to}/d15`))
})
