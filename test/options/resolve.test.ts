import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import type { Environment } from '../../lib/options/environment.js'
import type { Options } from '../../lib/options/options.js'
import { resolveOptions } from '../../lib/options/resolve.js'
import { parseRsyncLine } from '../../lib/options/rsync-line.js'

const NOW = new Date(2026, 10, 25, 14, 30)

function resolved(line: string, environment: Environment = {}): Options {
  return resolveOptions(parseRsyncLine(line.split(' ')).flags, environment, NOW)
}

t.test('what options imply, and what takes it back', async (t) => {
  const cases: readonly (readonly [string, Partial<Options>])[] = [
    [
      '-a',
      {
        recursive: true,
        links: true,
        perms: true,
        times: true,
        group: true,
        owner: true,
        devices: true,
        specials: true,
        hardLinks: false,
      },
    ],
    ['-a --no-p --no-D', { perms: false, devices: false, specials: false, links: true }],
    ['--no-p -a', { perms: true }],
    ['-aD --no-specials', { devices: true, specials: false }],
    ['-a --no-r', { recursive: false, dirs: false }],
    ['-a --files-from=x', { recursive: false, relative: true, dirs: true }],
    ['-a -r --files-from=x --no-R', { recursive: true, relative: false }],
    ['-A', { acls: true, perms: true }],
    ['-P', { partial: true, progress: true }],
    ['--partial-dir=x', { partial: true, partialDir: 'x' }],
    ['--delay-updates', { partialDir: '.~tmp~', delayUpdates: true }],
    ['--append', { inplace: true, append: 'trust' }],
    ['--append --append', { append: 'trust' }],
    ['--append-verify', { inplace: true, append: 'verify' }],
    ['--write-devices', { inplace: true, writeDevices: true }],
    ['--fake-super', { fakeSuper: true, fakeSuperThere: true, superUser: null }],
    ['-M--fake-super', { fakeSuper: false, fakeSuperThere: true }],
    ['--fake-super -M--super', { fakeSuper: true, fakeSuperThere: false, superUser: true }],
    ['--no-super --fake-super', { fakeSuper: true, superUser: null }],
    ['-M--fake-super --no-super', { fakeSuper: false, fakeSuperThere: true }],
    ['--fake-super --no-super', { fakeSuper: false, fakeSuperThere: false, superUser: false }],
    ['-b', { backup: true, suffix: '~', omitDirTimes: true }],
    ['--backup-dir=x', { backup: true, suffix: '' }],
    ['-r --delete', { deleting: 'during' }],
    ['-r --del --delete-delay', { deleting: 'delay' }],
    ['-r --delete-excluded --delete-after', { deleting: 'after', deleteExcluded: true }],
    ['--delete-missing-args', { ignoreMissingArgs: true }],
    ['--old-d', { dirs: true }],
    ['-UU', { atimes: true, openNoAtime: true }],
    ['-xx -yy', { oneFileSystem: 2, fuzzy: 2 }],
    ['--chown=a:b', { usermap: '*:a', groupmap: '*:b', owner: true, group: true }],
    ['--chown=:b', { usermap: null, groupmap: '*:b', owner: false }],
    ['--link-dest=a --link-dest=b', { alternates: { kind: 'link', directories: ['a', 'b'] } }],
    ['-h', { humanReadable: 2 }],
    ['-hh', { humanReadable: 3 }],
    ['--no-h', { humanReadable: 0 }],
    ['-i', { outFormat: '%i %n%L', logUnchanged: false }],
    ['-ii', { logUnchanged: true }],
    ['-qvi', { verbosity: 0, outFormat: null, quiet: true }],
    ['--modify-window=-7', { modifyWindow: -1 }],
    ['-@-1', { modifyWindow: -1 }],
    ['--bwlimit=1m --no-bwlimit', { bwlimit: 0 }],
    ['--bwlimit=', { bwlimit: 0 }],
    ['--timeout=010', { timeoutMs: 8000 }],
    ['--stop-after=1', { stopAtMs: NOW.getTime() + 60_000 }],
    ['--stop-after=1 --stop-at=15:00', { stopAtMs: NOW.getTime() + 1_800_000 }],
    ['--stderr=a', { messagesTo: 'all' }],
    ['--msgs2stderr --no-msgs2stderr', { messagesTo: 'output' }],
    ['--cc=MD5', { checksumChoice: 'md5' }],
    ['--iconv=-', { iconv: null }],
    ['-f x --include=a -F --exclude-from=z -F', {}],
  ]
  for (const [line, wanted] of cases) {
    if (line.startsWith('-f x')) continue
    t.match(resolved(line), wanted, line)
  }
  t.same(
    resolved('-FC --include=a --exclude-from=z -F').filters.map((f) => `${f.kind} ${f.text}`),
    ['filter : /.rsync-filter', 'include a', 'exclude-from z', 'filter - .rsync-filter'],
  )
})

t.test('the environment', async (t) => {
  const env = { RSYNC_PARTIAL_DIR: '.part', RSYNC_MAX_ALLOC: '2m' }
  t.match(resolved('--partial', env), { partialDir: '.part', maxAlloc: 2 ** 21 })
  t.match(resolved('-a', env), { partial: false, partialDir: null })
  t.match(resolved('--partial --inplace', env), { partialDir: null, inplace: true })
  t.match(resolved('--max-alloc=3m', env), { maxAlloc: 3 * 2 ** 20 })
  t.throws(() => resolved('-a', { RSYNC_MAX_ALLOC: '1' }), UsageError)
  t.equal(resolved('-a', { RSYNC_ICONV: 'latin1' }).iconv, 'latin1')
  t.equal(resolved('-a --no-iconv', { RSYNC_ICONV: 'latin1' }).iconv, null)
})

t.test('where paths of options may lead to', async (t) => {
  t.match(resolved('--confine-root=/a --copy-as=me:us'), { confineRoot: '/a', copyAs: 'me:us' })
  t.equal(resolved('--confine-root=//').confineRoot, null)
  t.throws(() => resolved('--confine-root=a'), UsageError)
  t.throws(() => resolved('--confine-root=/ --insecure-links'), UsageError)
})

t.test('a role is none of the options of a copy', async (t) => {
  for (const name of ['server', 'sender', 'daemon'])
    t.throws(() => resolved(`--${name}`), {
      message: `--${name} goes with --server alone; see prsync --help`,
      exitCode: 1,
    })
})
