import { execFile } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import type { Options } from '../../lib/options/options.js'
import { resolveOptions } from '../../lib/options/resolve.js'
import { parseRsyncLine } from '../../lib/options/rsync-line.js'
import { secludedRequest, serverRequest } from '../../lib/options/server-request.js'
import { filesFromThere, type ServerWords, serverArgs } from '../../lib/wire/server-args.js'
import { noRsync } from '../support/real-rsync.js'
import { SERVER_LINES, type ServerLine } from '../support/server-lines.js'

const NOW = new Date(2026, 10, 25, 14, 30)
const PROTOCOLS = [27, 28, 29, 30, 31, 32]

function ours(line: ServerLine, protocol: number, isSender: boolean): [Options, ServerWords] {
  const words = [...line.words, `--protocol=${protocol}`]
  const options = resolveOptions(parseRsyncLine(words).flags, line.environment, NOW, 'shell')
  return [options, serverArgs(options, { isSender, paths: ['x'], protocol })]
}

/** A remote shell that keeps its words, and what follows on the stream when they end in -s. */
const SHELL = `#!/bin/sh
printf '%s\\0' "$@" > "$SEEN"
case "$*" in *" -s"*) ;; *) exit 0 ;; esac
# They may come in pieces; an empty one is the last.
size=0
while dd bs=4096 count=1 >> "$SEEN" 2>/dev/null && [ "$(wc -c < "$SEEN")" != "$size" ]; do
  size=$(wc -c < "$SEEN")
  [ "$(tail -c 2 "$SEEN" | od -An -tx1)" = ' 00 00' ] && exit 0
done
`

/** What the real rsync tells that shell. */
async function real(
  home: string,
  line: ServerLine,
  protocol: number,
  isSender: boolean,
): Promise<ServerWords> {
  const seen = `${home}/seen-${protocol}-${isSender}-${SERVER_LINES.indexOf(line)}`
  const paths = isSender ? ['h:x', 'd/'] : ['s/', 'h:x']
  const isSecluded = line.words.includes('-s') || 'RSYNC_PROTECT_ARGS' in line.environment
  // Words as they are, not as the remote shell has to see them.
  const quoting: Record<string, string> = isSecluded ? {} : { RSYNC_OLD_ARGS: '2' }
  const env = { ...process.env, ...quoting, ...line.environment, SEEN: seen }
  const args = ['-e', `${home}/shell`, `--protocol=${protocol}`, ...line.words, ...paths]
  // It fails, since nobody answers.
  const error = await promisify(execFile)('rsync', args, { cwd: home, env }).catch(
    (e: Error & { stderr: string }) => e,
  )
  const text = readFileSync(seen, 'latin1')
  if (text === '') throw new Error(`${args.join(' ')}: ${error.stderr}`)
  const words = text.split('\0')
  const end = words.indexOf('rsync', 2)
  if (!isSecluded) return { shell: words.slice(2, -1), secluded: null }
  return { shell: words.slice(2, end), secluded: words.slice(end + 1, words.indexOf('', end)) }
}

t.test('a client says what the real rsync says', { skip: noRsync, timeout: 240_000 }, async (t) => {
  const home = t.testdir({ s: { a: 'a' }, d: {}, shell: SHELL })
  chmodSync(`${home}/shell`, 0o755)
  writeFileSync(`${home}/s/a`, 'a')
  for (const isSender of [false, true])
    for (const line of SERVER_LINES) {
      const seen = await Promise.all(PROTOCOLS.map((p) => real(home, line, p, isSender)))
      t.same(
        PROTOCOLS.map((p) => ours(line, p, isSender)[1]),
        seen,
        `${isSender ? 'pull' : 'push'} ${Object.values(line.environment).join(' ')} ${line.words.join(' ')}`,
      )
    }
})

/** Options that both ends have to have alike. */
const SHARED = [
  'recursive',
  'links',
  'hardLinks',
  'owner',
  'group',
  'devices',
  'specials',
  'times',
  'atimes',
  'openNoAtime',
  'perms',
  'acls',
  'xattrs',
  'checksum',
  'cvsExclude',
  'relative',
  'numericIds',
  'dryRun',
  'sparse',
  'update',
  'ignoreTimes',
  'inplace',
  'append',
  'backup',
  'backupDir',
  'suffix',
  'compress',
  'compressLevel',
  'checksumChoice',
  'checksumSeed',
  'timeoutMs',
  'blockSize',
  'oneFileSystem',
  'safeLinks',
  'copyUnsafeLinks',
  'deleteMissingArgs',
  'removeSourceFiles',
  'maxAlloc',
  'wholeFile',
  'listOnly',
] as const satisfies readonly (keyof Options)[]
const RECEIVED = [
  'deleting',
  'deleteExcluded',
  'maxSize',
  'minSize',
  'force',
  'sizeOnly',
  'modifyWindow',
  'partial',
  'partialDir',
  'delayUpdates',
  'usermap',
  'groupmap',
  'existing',
  'ignoreExisting',
  'tempDir',
  'fsync',
  'alternates',
  'keepDirlinks',
  'pruneEmptyDirs',
  'omitDirTimes',
  'omitLinkTimes',
  'fuzzy',
  'writeDevices',
  'preallocate',
  'mkpath',
  'executability',
  'ignoreErrors',
] as const satisfies readonly (keyof Options)[]
const SENT = [
  'copyLinks',
  'copyDirlinks',
  'skipCompress',
  'copyDevices',
  'ignoreMissingArgs',
  'dirs',
  'impliedDirs',
] as const satisfies readonly (keyof Options)[]

/** What has no meaning beside what else was said is not told; -A brings -p at a server, whatever its client said. */
function isUntold(key: keyof Options, o: Options): boolean {
  switch (key) {
    case 'fuzzy':
      return o.alternates === null
    case 'impliedDirs':
      return !o.relative
    case 'executability':
      return o.perms
    case 'perms':
      return o.acls
    case 'partial':
      return o.inplace
    case 'wholeFile':
      return o.wholeFile === false
    case 'checksumChoice':
      return o.said.checksumChoice === null
    case 'maxAlloc':
      return o.said.maxAlloc === null
    default:
      return false
  }
}

t.test('a server means what its client meant', async (t) => {
  for (const isSender of [false, true])
    for (const line of SERVER_LINES) {
      if (line.words.some((word) => word === '-M--foo')) continue
      const [options, words] = ours(line, 32, isSender)
      const request =
        words.secluded === null
          ? serverRequest(words.shell, NOW)
          : secludedRequest(words.shell, words.secluded, NOW)
      const keys = [...SHARED, ...(isSender ? SENT : RECEIVED)].filter(
        (key) => !isUntold(key, options),
      )
      const pick = (o: Options): unknown => Object.fromEntries(keys.map((key) => [key, o[key]]))
      t.same(pick(request.options), pick(options), `${isSender} ${line.words.join(' ')}`)
      t.match(request, { isSender, directory: '.', paths: ['x'], secluded: false })
      t.match(request.capabilities, /^\.i?LsfxCIvu$/)
    }
})

t.test('words of other clients', async (t) => {
  const of = (line: string): ReturnType<typeof serverRequest> => serverRequest(line.split(' '), NOW)
  t.match(of('--server --sender -vlogDtprz . a b'), {
    isSender: true,
    capabilities: '',
    paths: ['a', 'b'],
    options: { recursive: true, specials: true, compress: { choice: null } },
  })
  // openrsync: each letter by itself.
  t.match(of('--server --sender -g -l -n -o -p -D -r -t -v -v --delete . a'), {
    options: { verbosity: 2, deleting: 'during', said: { deleting: 'some time' }, dryRun: true },
  })
  t.match(of('--server -re3.1.LsfxC --log-format=%i%I --only-write-batch=X -e.x . d'), {
    capabilities: '.x',
    itemize: 2,
    options: {
      recursive: true,
      dryRun: true,
      batch: { kind: 'only-write' },
      outFormat: null,
    },
  })
  t.match(of('--server --log-format=X --append --append --no-msgs2stderr . d'), {
    itemize: 0,
    naming: true,
    options: { append: 'verify', msgs2stderr: false },
  })
  t.match(of('--server -se.LsfxCIvu'), { secluded: true, paths: [] })
  t.match(of('--server -r --use-qsort . d').options.said, { qsort: true })
  t.throws(() => of('--server -r'), UsageError)
  t.throws(() => of('--server -r --odd . d'), new UsageError('--odd: unknown option'))
})

t.test('what is for another program need not be an option of ours', async (t) => {
  const { flags } = parseRsyncLine(['-a', '-M--odd', '-M--fake-super', 's', 'h:d'])
  t.same(resolveOptions(flags, {}, new Date(0)).remoteOptions, ['--odd', '--fake-super'])
})

t.test('where --files-from reads its names', async (t) => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['names', null],
    ['-', null],
    ['a/b:c', null],
    ['h:names', 'names'],
    [':a/names', 'a/names'],
  ]
  for (const [text, there] of cases) t.equal(filesFromThere(text), there, text)
})
