/** Names that a sender may list: those that were asked for, what is below, and with -R what is above. */
import t from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import { UnsupportedError } from '../../lib/base/errors.js'
import { parseRemote, pathsWithin, placesOf } from '../../lib/options/remote.js'
import { AskedNames } from '../../lib/rsync/asked-names.js'

type Row = readonly [
  paths: string[],
  isRelative: boolean,
  name: string,
  isDirectory: boolean,
  ok: boolean,
]

const ROWS: readonly Row[] = [
  [['a/b'], false, 'b', false, true],
  [['a/b'], false, 'b/c', false, true],
  [['a/b'], false, 'a', true, false],
  [['a/b'], false, 'bb', false, false],
  [['a/b'], false, '.ssh/authorized_keys', false, false],
  [['a/'], false, 'anything', false, true],
  [[''], false, 'anything', false, true],
  [['.'], false, 'anything', false, true],
  [['..'], false, 'anything', false, true],
  [['a/*.c'], false, 'x.c', false, true],
  [['a/*.c'], false, 'x.h', false, false],
  [['a\\*b'], false, 'a*b', false, true],
  [['x/./a/b'], true, 'a', true, true],
  [['x/./a/b'], true, 'a', false, false],
  [['x/./a/b'], true, 'a/b', false, true],
  [['x/./a/b'], true, 'a/c', false, false],
  [['x/./a/b'], true, 'x', true, false],
  [['/etc/passwd'], true, 'etc/passwd', false, true],
  [['/etc/passwd'], true, 'etc/shadow', false, false],
]

function allows(asked: AskedNames, name: string, isDirectory: boolean): boolean {
  try {
    asked.check(byteName(name), isDirectory)
    return true
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error
    return false
  }
}

t.test('names that were asked for', async (t) => {
  for (const [paths, isRelative, name, isDirectory, ok] of ROWS)
    t.equal(
      allows(new AskedNames(paths, isRelative, true), name, isDirectory),
      ok,
      `${paths.join(' ')}${isRelative ? ' -R' : ''}: ${name}`,
    )
  const flat = new AskedNames(['a'], false, false)
  t.equal(allows(flat, 'a/b', false), false, 'nothing below without -r')
})

t.test('a backslash at the end, and more of them: CVE-2026-70461', async (t) => {
  for (const path of ['a\\', '\\', 'a/*\\', 'a/[\\', 'a/\\\\*']) {
    const asked = new AskedNames([path], false, true)
    t.equal(allows(asked, 'other', false), false, path)
    t.equal(allows(asked, 'a/other', false), false, path)
  }
})

t.test('names that our own rules exclude', async (t) => {
  const asked = new AskedNames(['x/'], false, true, (name) => name.endsWith('.o'))
  t.equal(allows(asked, 'a/b', false), true)
  t.equal(allows(asked, 'a/b.o', false), false)
  t.equal(allows(asked, 'a.o', true), false)
})

t.test('a module is the root of what a daemon sends', async (t) => {
  const within = (...paths: string[]): readonly string[] => {
    const places = placesOf(paths, 'here')
    return places.kind === 'pull' ? pathsWithin(places.from) : []
  }
  t.same(within('rsync://h/m'), [''])
  t.same(within('rsync://h/m/'), [''])
  t.same(within('rsync://h/m/a/b', '::m/c'), ['a/b', 'c'])
  t.same(within('h:m/a'), ['m/a'])
  t.equal(parseRemote('./m:a'), null)
})
