import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import {
  moduleOf,
  parseRemote,
  placesOf,
  quoteArgument,
  quoteServerArgs,
  seclude,
  shellCommand,
  shellWords,
  unquoteArgument,
} from '../../lib/options/remote.js'
import fc from '../support/properties.js'
import { noRsync } from '../support/real-rsync.js'

t.test('what names another machine', async (t) => {
  const cases: [string, ReturnType<typeof parseRemote>][] = [
    ['dir/a:b', null],
    ['./h:x', null],
    ['/h:x', null],
    ['plain', null],
    ['h:x', { kind: 'shell', user: null, host: 'h', port: null, path: 'x' }],
    ['h:', { kind: 'shell', user: null, host: 'h', port: null, path: '' }],
    ['u@v@h:x:y', { kind: 'shell', user: 'u@v', host: 'h', port: null, path: 'x:y' }],
    [':b', { kind: 'shell', user: null, host: '', port: null, path: 'b' }],
    ['h::m/p', { kind: 'daemon', user: null, host: 'h', port: null, path: 'm/p' }],
    [
      'u@[fe80::1%eth0]:x',
      { kind: 'shell', user: 'u', host: 'fe80::1%eth0', port: null, path: 'x' },
    ],
    ['[::1]::m', { kind: 'daemon', user: null, host: '::1', port: null, path: 'm' }],
    ['rsync://h', { kind: 'daemon', user: null, host: 'h', port: null, path: '' }],
    ['RSYNC://u@h:8730/m/p', { kind: 'daemon', user: 'u', host: 'h', port: 8730, path: 'm/p' }],
    ['rsync://[::1]:99/m', { kind: 'daemon', user: null, host: '::1', port: 99, path: 'm' }],
  ]
  for (const [text, expected] of cases) t.same(parseRemote(text), expected, text)
  t.throws(() => parseRemote('rsync://h:99999/m'), UsageError)
  t.throws(() => parseRemote('rsync://h:x/m'), UsageError)
})

t.test('which end is elsewhere', async (t) => {
  t.same(placesOf(['a', 'b'], 'c'), { kind: 'local' })
  t.same(placesOf(['h:a', ':b', 'h:c'], 'd'), {
    kind: 'pull',
    from: { kind: 'shell', user: null, host: 'h', port: null, paths: ['a', 'b', 'c'] },
    destination: 'd',
  })
  const listing = placesOf(['u@h::mod/x'], null)
  t.equal(listing.kind === 'pull' ? moduleOf(listing.from) : '', 'mod')
  t.match(placesOf(['a', 'b'], 'h:c'), { kind: 'push', sources: ['a', 'b'], to: { paths: ['c'] } })
  const refused: [string[], string | null, RegExp][] = [
    [['h:a'], 'k:b', /cannot both be remote/],
    [['h:a', 'k:b'], 'c', /same machine/],
    [['h:a', '::b'], 'c', /same way/],
    [['a', 'h:b'], 'c', /unexpected remote argument: h:b/],
    [['a', 'h:b'], 'k:c', /unexpected remote argument: h:b/],
    [['h:a', 'b'], 'c', /unexpected local argument: b/],
    [['-oProxyCommand=x:a'], 'c', /begins with "-"/],
    [['rsync://-x/m'], 'c', /begins with "-"/],
  ]
  for (const [sources, destination, why] of refused)
    t.throws(() => placesOf(sources, destination), { name: 'UsageError', message: why })
})

t.test('words of a remote shell', async (t) => {
  t.same(shellWords(`ssh -p 22  'a b' "c d" 'x''y' q'r s't ''`), [
    ...['ssh', '-p', '22', 'a b', 'c d', "x'y", 'qr st', ''],
  ])
  t.throws(() => shellWords("ssh 'a"), UsageError)
  t.throws(() => shellWords('  '), UsageError)
})

t.test('-4 and -6 are for ssh alone', async (t) => {
  const to = { kind: 'shell', user: 'u', host: 'h', port: null, paths: ['x'] } as const
  const how = { rsyncPath: 'rsync', family: 6 } as const
  t.same(shellCommand(to, { ...how, rsh: '/usr/bin/ssh -q' }, ['a']), [
    ...['/usr/bin/ssh', '-q', '-l', 'u', '-6', 'h', 'rsync', 'a'],
  ])
  t.same(shellCommand(to, { ...how, rsh: 'myssh' }, []), ['myssh', '-l', 'u', 'h', 'rsync'])
})

t.test('what the shell sees with --secluded-args', async (t) => {
  t.same(seclude(['--server', '--sender', '-sr', '--iconv=x', '-B700', '.', 'a']), {
    shown: ['--server', '--sender', '-sr', '--iconv=x'],
    hidden: ['-B700', '.', 'a'],
  })
  t.same(seclude(['--server', '-s', '-B700']).hidden, ['-B700'])
})

t.test('what is quoted as an option comes back by taking backslashes away', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
      return unquoteArgument(quoteArgument(text, 'option')) === text
    }),
  )
})

t.test('a shell makes of it what was meant', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
      if (text === '' || /[\0~]/.test(text)) return true
      // an escaped end of line is none to a shell, to rsync's as well
      if (/[\n\r]/.test(text)) return true
      const { stdout } = spawnSync('/bin/sh', ['-c', `printf %s ${quoteArgument(text, 'option')}`])
      return stdout.toString('latin1') === text
    }),
    { numRuns: 30 },
  )
})

t.test('quoted as rsync quotes', { skip: noRsync }, async (t) => {
  const directory = t.testdir()
  const shell = `${directory}/shell`
  writeFileSync(shell, `#!/bin/sh\nprintf '%s\\0' "$@" >"${directory}/said"\nprintf x\n`)
  chmodSync(shell, 0o755)
  const asked = (args: readonly string[]): readonly string[] => {
    const run = `rsync -e '${shell}' "$@"; cat '${directory}/said'`
    const said = spawnSync('/bin/sh', ['-c', `{ ${run}; } 2>/dev/null`, 'sh', ...args])
    const words = said.stdout.toString('latin1').split('\0').slice(0, -1)
    return words.slice(words.indexOf('--server'))
  }
  const paths = [
    'a b',
    'a*b',
    'a\\*b',
    '-x',
    '~/x',
    '~x',
    '/abs',
    'q\'"`$x',
    'a\\b',
    '[x]{y}(z)',
    'a\tb',
  ]
  for (const path of [...paths, 'a;b&c|d<e>f', '!#', '-*', '']) {
    const from = asked(['-r', `h:${path}`, 'd'])
    t.same(quoteServerArgs(['.', path === '' ? '.' : path], true), from.slice(-2), `from ${path}`)
    const to = asked(['-r', directory, `h:${path}`])
    t.same(quoteServerArgs(['.', path === '' ? '.' : path], false), to.slice(-2), `to ${path}`)
  }
  for (const option of ['a b*', 't[x]?', "d'e", 'a\\*b', '~x']) {
    const words = asked(['-r', `--temp-dir=${option}`, directory, 'h:x'])
    t.equal(quoteArgument(option, 'option'), words[words.indexOf('--temp-dir') + 1], option)
  }
})
