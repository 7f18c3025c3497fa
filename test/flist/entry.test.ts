import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, symlinkSync } from 'node:fs'
import t from 'tap'
import { isSafeLink } from '../../lib/flist/entry.js'
import { noRsync } from '../support/real-rsync.js'

const TARGETS = [
  'f',
  '.',
  './',
  '..',
  '../',
  '../f',
  '../..',
  '../../f',
  '../../../f',
  'a/..',
  'a/../..',
  'a/../../f',
  'a/../../../f',
  'a/../../../../f',
  'a/b/../../..',
  'a/./../../b/../../..',
  '/etc/passwd',
  '//f',
  '..//..//f',
  './../../../f',
  '...',
  '..f/../../../g',
  'a/..b/../..',
  '../a/b/c/../../../..',
  'a/',
  '../s',
  './../f',
  '..//../f',
  '.././../f',
  '../../',
  '.././f',
  '..//f',
  '../../.',
  '.././',
  'a//../f',
  './..',
  './/../f',
  '../..//f',
]

t.test('--safe-links judges whole targets, as rsync does', { skip: noRsync }, async (t) => {
  const home = t.testdir({ s: {}, d: {} })
  for (const [depth, directory] of ['', 'one/', 'one/two/'].entries()) {
    mkdirSync(`${home}/s/${directory}`, { recursive: true })
    for (const [i, target] of TARGETS.entries()) symlinkSync(target, `${home}/s/${directory}l${i}`)
    const { status } = spawnSync('rsync', ['-rl', '--safe-links', `${home}/s/`, `${home}/d/`])
    t.equal(status, 0)
    for (const [i, target] of TARGETS.entries()) {
      const came = lstatSync(`${home}/d/${directory}l${i}`, { throwIfNoEntry: false })
      t.equal(isSafeLink(target, depth), came !== undefined, `${target} at ${depth}`)
    }
  }
})
