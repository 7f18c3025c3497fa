import { writeFileSync } from 'node:fs'
import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import {
  type ConfSource,
  expand,
  flagOf,
  maybeOf,
  numberOf,
  readConf,
  textOf,
  wordsOf,
} from '../../lib/options/conf.js'
import { PARAMETERS, parameterOf } from '../../lib/options/conf-table.js'
import { formatModule } from '../../lib/wire/greeting.js'
import { askRealDaemon } from '../support/inetd-rsync.js'
import { noRsync } from '../support/real-rsync.js'

/** Files of the tests: what ends in a slash is a directory. */
const FILES: Readonly<Record<string, string>> = {
  'inc.d/b.conf': 'comment=bdef\n[b]\npath=/tmp\n',
  'inc.d/a.conf': '[a]\npath=/tmp\n',
  'inc.d/.c.conf': '[hidden]\n',
  'inc.d/a.inc': 'comment=fromainc\n',
  'inc.d/x.txt': '[x]\n',
  'mod.inc': 'path=/tmp\ncomment=merged\n',
  'one.conf': 'motd file=/mo\ncomment=inc\n[i]\npath=/tmp\n',
  'loop.conf': '&merge ROOT/loop.conf\n',
}
const ENV = { HOME: '/root', Y: 'no' }

function source(root: string, main: string): ConfSource {
  const rootless = (path: string): string => path.replace(`${root}/`, '')
  return {
    read: (path) => {
      const text = path === 'main' ? main : FILES[rootless(path)]
      if (text === undefined) throw new UsageError(`no ${path}`)
      return text.replaceAll('ROOT', root)
    },
    list: (path) => {
      const inside = `${rootless(path)}/`
      const names = Object.keys(FILES).filter((name) => name.startsWith(inside))
      return names.length === 0 ? null : names.map((name) => name.slice(inside.length))
    },
    env: ENV,
  }
}
const read = (
  main: string,
  root = '/r',
  overrides: readonly string[] = [],
): ReturnType<typeof readConf> =>
  readConf('main', overrides, source(root, main.replaceAll('ROOT', root)))

/** The listing of modules, as a daemon gives it. */
function listing(main: string, root: string): string {
  const { modules } = read(main, root)
  return [...modules]
    .filter(([, values]) => flagOf(values, 'list'))
    .map(([name, values]) => `${formatModule(name, textOf(values, 'comment', ENV))}\n`)
    .join('')
}

const LISTED = [
  '[m]\npath=/tmp\n',
  'foo bar = 1\n[m]\npath=/tmp\n',
  '[m]\npath=/tmp\nlist = maybe\n',
  'garbage line\n[m]\npath=/tmp\n',
  '[m]\npath=/tmp\nport=99\n',
  '[m]\npa th = /tmp\nCOM MENT = x\nCOM_MENT=y\n[  a   b  ]\npath=/tmp\n',
  '[m]\npath=/tmp\ncomment = a\\\n   b \\\nc\n',
  '[m]\ncomment= %HOME% %NOPE% %% 50% x\npath=/tmp\n',
  ...['a%%b', '%HOME%%%x', '%%HOME%%', '%HOME', 'x%%%HOME%', '%NOPE%HOME%'].map(
    (text) => `[m]\npath=/tmp\ncomment=${text}\n`,
  ),
  'comment=def\n[m]\npath=/tmp\n[global]\ncomment=d2\n[n]\npath=/tmp\n[m]\nlist=yes\ncomment=again\n',
  '&include ROOT/inc.d\n[m]\npath=/tmp\n',
  '&merge ROOT/inc.d\n[m]\npath=/tmp\n',
  '[m]\n&merge ROOT/mod.inc\n[n]\npath=/tmp\n',
  '&include ROOT/one.conf\n[m]\npath=/tmp\n',
  '[m]\npath=/tmp\n&include ROOT/one.conf\ncomment=after\n',
  '[m]\npath=/tmp\n&merge ROOT/one.conf\ncomment=after\n',
  '[m] junk\npath=/tmp\n',
  '   [m]\n  # comment\n; semi\npath=/tmp\n',
  '[m]\npath=/tmp\ncomment=# x \n',
  '[m]\npath=/tmp\nlist=\n',
  '[m]\npath=/tmp\nlist=%Y%\n[n]\nlist=FALSE\n[o]\nlist=0\n[p]\nlist=True\n',
  '[m]\npath=/tmp\ncomment=x\\',
  '[m]\r\npath=/tmp\r\ncomment=x\r\n',
]

t.test('listings are those of the real rsync', { skip: noRsync }, async (t) => {
  const root = t.testdir({
    'inc.d': Object.fromEntries(
      Object.entries(FILES).flatMap(([name, text]) =>
        name.startsWith('inc.d/') ? [[name.slice(6), text]] : [],
      ),
    ),
  })
  for (const name of ['mod.inc', 'one.conf']) writeFileSync(`${root}/${name}`, FILES[name] ?? '')
  const hello = '@RSYNCD: 32.0 md5\n'
  for (const text of LISTED) {
    const conf = `log file=${root}/log\nuse chroot=no\n${text.replaceAll('ROOT', root)}`
    writeFileSync(`${root}/rsyncd.conf`, conf)
    const heard = await askRealDaemon(`${root}/rsyncd.conf`, `${hello}\n`, ENV)
    const [, said = ''] = /^@RSYNCD: [^\n]*\n(.*)@RSYNCD: EXIT\n$/s.exec(heard) ?? []
    t.equal(listing(conf, root), said, JSON.stringify(text))
  }
})

t.test('what ends the reading, and where it stands', async (t) => {
  const cases: [string, RegExp][] = [
    ['\n[m\n', /^main:2: badly formed/],
    ['# x\n\n= x\n', /^main:3: invalid parameter name/],
    ['[]\n', /^main:1: empty section name/],
    ['a=\\\nb\n[a/b]\n', /^main:3: invalid section name/],
    ['&bogus x\n', /^main:1: unknown directive/],
    ['&include ROOT/none\n', /^no /],
    ['&merge ROOT/loop.conf\n', /include each other too deeply/],
  ]
  for (const [text, message] of cases)
    t.throws(() => read(text), { name: 'UsageError', message }, JSON.stringify(text))
})

t.test('what is passed over is told', async (t) => {
  const { notices } = read('foo=1\ngarbage\n[m]\nport=1\nlist=maybe\nmax connections=many\n')
  t.match(notices, [
    /^main:1: ignoring unknown parameter "foo"/,
    /^main:2: ignoring badly formed line/,
    /^main:4: global parameter port/,
    /^main:5: badly formed boolean for list: "maybe"/,
    /^main:6: badly formed number for max connections/,
  ])
})

t.test('--dparam stands where the globals end', async (t) => {
  const conf = read('comment=x\n[m]\n[global]\ncomment=y\n[n]\n', '/r', ['pidfile=/p', 'comment=z'])
  t.equal(textOf(conf.globals, 'pid file', {}), '/p')
  const comment = (name: string): string =>
    textOf(conf.modules.get(name) ?? new Map(), 'comment', {})
  t.same([comment('m'), comment('n')], ['z', 'y'])
  t.throws(() => read('', '/r', ['bogus=1']), UsageError)
  t.throws(() => read('', '/r', ['bogus']), UsageError)
})

t.test('values and what silence means', async (t) => {
  const { modules } = read(
    '[m]\npath=/h/%USER%\nuse chroot=unset\nnumeric ids=no\ntimeout=%T%\ntimeout=5\n',
  )
  const values = modules.get('m') ?? new Map()
  t.equal(textOf(values, 'path', { USER: 'me' }), '/h/me')
  t.equal(textOf(values, 'lock file', {}), '/var/run/rsyncd.lock')
  t.same([maybeOf(values, 'use chroot'), maybeOf(values, 'numeric ids')], [null, false])
  t.equal(maybeOf(values, 'munge symlinks'), null)
  t.equal(numberOf(values, 'timeout'), 5)
  t.same([flagOf(values, 'read only'), flagOf(values, 'write only')], [true, false])
  t.equal(expand('%toString%', {}), '%toString%')
  t.same(wordsOf(' a,b  c '), ['a', 'b', 'c'])
  t.same(wordsOf(', a b:deny, c '), ['a b:deny', 'c'])
})

t.test('all parameters of the manual of rsync 3.5.0', async (t) => {
  t.equal(PARAMETERS.length, 60, 'and two of our own')
  for (const { name, kind, initial } of PARAMETERS) {
    t.equal(parameterOf(name.toUpperCase().replace(' ', ''))?.name, name)
    if (kind === 'number') t.match(initial, /^\d+$/, name)
    if (kind === 'boolean') t.match(initial, /^(yes|no)$/, name)
  }
})
