import { writeFileSync } from 'node:fs'
import t from 'tap'
import { overAll } from '../../lib/base/together.js'
import { compileGlob } from '../../lib/flist/wildmatch.js'
import { isSecluded, parseRefusals, refusedOption } from '../../lib/options/refuse.js'
import { askRealDaemon } from '../support/inetd-rsync.js'
import { noRsync } from '../support/real-rsync.js'

const CASES: readonly (readonly [string, string])[] = [
  ['delete', '-r --delete-after'],
  ['delete', '-r --delete'],
  ['delete', '--sender --remove-source-files'],
  ['delete', '--remove-source-files'],
  ['delete', '-r --max-delete=3'],
  ['delete', '--delete-missing-args'],
  ['delete-*', '-r --delete-after'],
  ['delete-*', '--sender --remove-source-files'],
  ['* !delete !delete-during !r', '-r --delete-before'],
  ['* !delete* !r', '-r --delete-during'],
  ['*', '-r'],
  ['*', '-n'],
  ['*', '-e.LsfxC'],
  ['*', '--checksum-seed=1'],
  ['*', '--size-only'],
  ['*', '--no-r'],
  ['* !a', '-rlptgoD'],
  ['* !v', '-v'],
  ['* !v', '-vr'],
  ['a', '-r'],
  ['archive', '-t'],
  ['a*', '-r'],
  ['compress', '-z'],
  ['compress', '--compress-level=3'],
  ['compress', '--new-compress'],
  ['compress*', '--compress-level=3'],
  ['z', '--compress-choice=zlib'],
  ['c', '-c'],
  ['checksum', '-c'],
  ['checksum-seed', '--checksum-seed=1'],
  ['log-format', '--log-format=%i'],
  ['partial', '--partial-dir=x'],
  ['devices', '-D'],
  ['inplace', '--append'],
  ['temp-dir', '--temp-dir=x'],
  ['T', '-T x'],
  ['x', '-T x'],
  ['s', '-s'],
  ['recurs*', '-r'],
  ['relative', '-R'],
  ['no-relative', '--no-relative'],
  ['hard-links', '-HH'],
  ['info', '--info=x'],
  ['', '--copy-devices'],
  ['!copy-devices', '--copy-devices'],
  ['', '--write-devices'],
  ['', '--insecure-links'],
  ['!insecure-links', '--insecure-links'],
  ['', '--log-file=x'],
  ['', '--log-file-format=x'],
  ['', '--daemon'],
]

t.test('what the real daemon refuses, in its words', { skip: noRsync }, async (t) => {
  const root = t.testdir({ m: {} })
  const never = new AbortController().signal
  // Each refusal takes rsync half a second, which it gives the client to read it.
  await overAll(CASES.entries(), 10, never, async ([i, [refuse, said]]) => {
    const conf = `${root}/rsyncd-${i}.conf`
    writeFileSync(
      conf,
      `use chroot=no\nlog file=${root}/log\n[m]\npath=${root}/m\nread only=no\nrefuse options=${refuse}\n`,
    )
    const args = said.split(' ')
    const asked = ['--server', ...args, '.', 'm/', '', ''].join('\0').slice(0, -1)
    const heard = await askRealDaemon(conf, `@RSYNCD: 31.0\nm\n${asked}`)
    const real =
      /rsync: ((?:The server is configured to refuse|Attempt).*)\n/.exec(heard)?.[1] ?? null
    const ours = refusedOption(['--server', ...args, '.'], parseRefusals(refuse, compileGlob))
    t.equal(ours, real, `${refuse} | ${said}`)
  })
})

t.test('which arguments announce a second list', async (t) => {
  t.ok(isSecluded(['--server', '-logs']))
  t.ok(isSecluded(['--server', '--protect-args']))
  t.notOk(isSecluded(['--server', '-e.LsfxC', '-T', '-s', '-B5s', '--temp-dir', '-s', '.', '-s']))
})
