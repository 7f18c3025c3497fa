/** What goes wrong on a real mirror, each case once: the right exit status, and nothing half-visible or outside DEST. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { EXIT, PrsyncError, TrustError, TryAgainError } from '../../lib/base/errors.js'
import type { Entry } from '../../lib/flist/entry.js'
import { keyPairOf } from '../../lib/hash/ed25519.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import { Store } from '../../lib/io/store.js'
import { decodeBatchRequest, encodeBatchPart } from '../../lib/snapshot/batch.js'
import { buildDirectory } from '../../lib/snapshot/build.js'
import { encodeHead } from '../../lib/snapshot/head.js'
import { encodePage } from '../../lib/snapshot/page.js'
import { pullFrom, startCentre } from '../support/centre.js'
import { onOwnDisk } from '../support/disk.js'
import { projectFile } from '../support/project.js'
import { seededRandom } from '../support/seeded-random.js'
import { differences } from '../support/trees.js'

const random = seededRandom(11)
const bytes = (n: number): Buffer => Buffer.from(random.bytes(n))
const isRoot = process.geteuid?.() === 0
const needsRoot = { skip: isRoot ? false : 'needs root' }

async function rejection(promise: Promise<unknown>): Promise<PrsyncError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof PrsyncError) return error
    throw error
  }
  throw new Error('it did not fail')
}

t.test('the centre is down: try again later, nothing changed', async (t) => {
  const dest = join(t.testdir({}), 'dest')
  t.ok((await rejection(pullFrom('http://127.0.0.1:1/m', dest))) instanceof TryAgainError)
  t.strictSame(readdirSync(dest), ['.~prsync~'])
})

// ---- a centre that is not to be trusted --------------------------------------------------------

const keys = keyPairOf(Buffer.alloc(32, 3))
const COMMON = {
  mode: 0o644,
  mtimeNs: 0n,
  user: { id: 0, name: null },
  group: { id: 0, name: null },
  xattrs: [],
}
const top = (page: Uint8Array | null): Entry => ({
  ...COMMON,
  base: '.',
  mode: 0o755,
  kind: 'directory',
  page: page === null ? null : { root: contentRoot(page), length: page.length },
})
const link = (base: string, target: string): Entry => ({ ...COMMON, base, kind: 'symlink', target })

/** Serves one snapshot whose top directory is this page, whatever it holds; `alter` may change what goes over the wire. */
async function hostileCentre(
  t: Test,
  page: Uint8Array,
  choice: {
    sequence?: number
    expires?: number
    alter?: (what: string, bytes: Buffer) => Buffer
  } = {},
): Promise<string> {
  const built = buildDirectory([top(page)])
  const blobs = new Map<string, Uint8Array>([[contentRoot(page), page]])
  for (const { id, bytes: own } of built.pages) blobs.set(id.root, own)
  const head = encodeHead(
    {
      module: 'm',
      key: keys.publicKey,
      sequence: choice.sequence ?? 1,
      previous: null,
      page: built.page,
      time: 1,
      expires: choice.expires ?? 4_000_000_000,
      files: 1,
      bytes: 1,
    },
    keys,
  )
  const alter = choice.alter ?? ((_what, given) => given)
  const answer = async (request: IncomingMessage): Promise<Buffer> => {
    if (request.url?.endsWith('/head') === true) return alter('head', Buffer.from(head))
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const parts = decodeBatchRequest(Buffer.concat(chunks)).map(({ content }) => {
      const own = blobs.get(content.root) ?? new Uint8Array(0)
      return encodeBatchPart({ form: 'plain', bytes: own }).slice()
    })
    return alter('page', Buffer.concat(parts))
  }
  const server = createServer((request, response) => {
    answer(request).then(
      (body) => response.end(body),
      () => response.destroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/m`
}

t.test('a hostile centre signs names that leave the tree: refused, nothing touched', async (t) => {
  const good = encodePage({ kind: 'entries', entries: [link('aaaaaaaaaa', 'b')] })
  const named = (name: string): Uint8Array => {
    // The codec would not write these: the name of a good page is overwritten, its length kept.
    const page = Buffer.from(good)
    page.write(name, page.indexOf('aaaaaaaaaa'), 'latin1')
    return page
  }
  const cases: [string, Uint8Array][] = [
    ['a name with a slash', named('../../evil')],
    ['an absolute name', named('/tmp/evil1')],
    ['a name with a NUL', named('evil\0evil1')],
    ['a name through itself', named('a/../../bb')],
    ['..', encodePage({ kind: 'entries', entries: [{ ...link('x', 'y'), base: '..' }] })],
    ['our own corner', encodePage({ kind: 'entries', entries: [link('.~prsync~', 'x')] })],
    ['an absolute link', encodePage({ kind: 'entries', entries: [link('out', '/etc')] })],
    [
      'a link that climbs out',
      encodePage({ kind: 'entries', entries: [link('out', 'a/../../etc')] }),
    ],
    ['rubbish', Buffer.from('rubbish')],
  ]
  for (const [name, page] of cases) {
    const home = t.testdir({ outside: 'untouched' })
    const dest = join(home, 'dest')
    const error = await rejection(pullFrom(await hostileCentre(t, page), dest))
    t.ok(error instanceof TrustError, `${name}: ${error.message}`)
    t.strictSame(readdirSync(dest), ['.~prsync~'], name)
    t.strictSame(readdirSync(home).sort(), ['dest', 'outside'], name)
  }
})

t.test('what is altered on the way, replayed, or expired is refused', async (t) => {
  const page = encodePage({ kind: 'entries', entries: [link('a', 'b')] })
  const flip = (at: number) => (what: string) => (on: string, given: Buffer) => {
    if (on === what) given.writeUInt8(given.readUInt8(at) ^ 1, at)
    return given
  }
  const dest = join(t.testdir({}), 'dest')
  for (const what of ['head', 'page']) {
    const error = await rejection(
      pullFrom(await hostileCentre(t, page, { alter: flip(40)(what) }), dest),
    )
    t.equal(error.exitCode, EXIT.untrusted, `${what}: ${error.message}`)
  }
  const late = await rejection(pullFrom(await hostileCentre(t, page, { expires: 1000 }), dest))
  t.match(late.message, /expired/)
  t.notOk(existsSync(join(dest, 'a')))
  t.equal((await pullFrom(await hostileCentre(t, page, { sequence: 5 }), dest)).exit, EXIT.ok)
  const back = await rejection(pullFrom(await hostileCentre(t, page, { sequence: 4 }), dest))
  t.match(back.message, /rollback/)
  const other = encodePage({ kind: 'entries', entries: [link('c', 'd')] })
  const twin = await rejection(pullFrom(await hostileCentre(t, other, { sequence: 5 }), dest))
  t.match(twin.message, /two different heads/)
  t.strictSame(readdirSync(dest).sort(), ['.~prsync~', 'a'])
})

t.test('the key of the first pull stays pinned', async (t) => {
  const home = t.testdir({ source: { f: 'x' }, one: {}, two: {} })
  const dest = join(home, 'dest')
  const first = await startCentre(join(home, 'source'), join(home, 'one'))
  await pullFrom(first.url, dest)
  await first.stop()
  const second = await startCentre(join(home, 'source'), join(home, 'two'))
  t.teardown(() => second.stop())
  const error = await rejection(pullFrom(second.url, dest))
  t.match(error, { exitCode: EXIT.untrusted, message: /--key SHA256:/ })
  const key = /--key (SHA256:\S+)/.exec(error.message)?.[1] ?? ''
  t.equal((await pullFrom(second.url, dest, { fingerprint: key })).exit, EXIT.ok)
})

// ---- a bad disk, a bad moment --------------------------------------------------------------------

t.test('two pulls at once: the second leaves, or waits', async (t) => {
  const home = t.testdir({ source: { f: 'x' }, state: {} })
  const dest = join(home, 'dest')
  const centre = await startCentre(join(home, 'source'), join(home, 'state'))
  t.teardown(() => centre.stop())
  const [one, two] = await Promise.all([pullFrom(centre.url, dest), pullFrom(centre.url, dest)])
  t.equal(one.exit, EXIT.ok)
  t.equal(two.exit, EXIT.ok)
  t.equal(one.files.fetched + two.files.fetched, 1, 'one of them did nothing')
  const both = await Promise.all([
    pullFrom(centre.url, dest, { wait: true }),
    pullFrom(centre.url, dest, { wait: true }),
  ])
  t.strictSame(
    both.map((r) => r.sequence),
    [1, 1],
  )
})

t.test(
  'the disk is full: exit 11, nothing half-visible, and it goes on later',
  needsRoot,
  async (t) => {
    const home = t.testdir({ source: {}, state: {} })
    const source = join(home, 'source')
    for (let i = 0; i < 6; i++) writeFileSync(join(source, `f${i}`), bytes(400_000))
    const centre = await startCentre(source, join(home, 'state'))
    t.teardown(() => centre.stop())
    await onOwnDisk(t, 'size=2200k', async (dest) => {
      const error = await rejection(pullFrom(centre.url, dest))
      t.equal(error.exitCode, EXIT.file, error.message)
      t.match(error.message, /no space/)
      for (const name of readdirSync(dest).filter((n) => n !== '.~prsync~'))
        t.ok(readFileSync(join(dest, name)).equals(readFileSync(join(source, name))), name)
      execFileSync('mount', ['-o', 'remount,size=8m', dest])
      t.equal((await pullFrom(centre.url, dest)).exit, EXIT.ok)
      t.strictSame(differences(source, dest), [])
    })
  },
)

t.test('a read-only destination: a clear error', needsRoot, async (t) => {
  const home = t.testdir({ source: { f: 'x' }, state: {} })
  const centre = await startCentre(join(home, 'source'), join(home, 'state'))
  t.teardown(() => centre.stop())
  await onOwnDisk(t, 'ro', async (dest) => {
    const error = await rejection(pullFrom(centre.url, dest))
    t.equal(error.exitCode, EXIT.file, error.message)
    t.match(error.message, /cannot write to .*prsync-disk-/)
  })
})

t.test('a file the centre cannot read is left out, and said so', needsRoot, async (t) => {
  const home = t.testdir({ source: { good: 'x', secret: 'y' }, state: {} })
  chmodSync(join(home, 'source/secret'), 0)
  chmodSync(join(home, 'state'), 0o777)
  const centre = await asNobody(() => startCentre(join(home, 'source'), join(home, 'state')))
  t.teardown(() => centre.stop())
  const dest = join(home, 'dest')
  t.equal((await pullFrom(centre.url, dest)).exit, EXIT.ok)
  t.strictSame(readdirSync(dest).sort(), ['.~prsync~', 'good'])
})

t.test(
  'a directory the centre cannot read any more is not taken for deleted',
  needsRoot,
  async (t) => {
    const home = t.testdir({ source: { d: { f: 'x' }, g: 'y' }, state: {} })
    chmodSync(join(home, 'state'), 0o777)
    const centre = await asNobody(() => startCentre(join(home, 'source'), join(home, 'state')))
    t.teardown(() => centre.stop())
    const dest = join(home, 'dest')
    await pullFrom(centre.url, dest)
    chmodSync(join(home, 'source/d'), 0)
    writeFileSync(join(home, 'source/g'), 'changed')
    await asNobody(() => centre.rescan())
    const report = await pullFrom(centre.url, dest, { delete: true })
    t.match(report, { exit: 0, sequence: 2, files: { deleted: 0 } })
    t.equal(readFileSync(join(dest, 'd/f'), 'utf8'), 'x')
    t.equal(readFileSync(join(dest, 'g'), 'utf8'), 'changed')
  },
)

t.test('an index that lost a page empties nothing', async (t) => {
  const home = t.testdir({ source: { d: { f: 'x' } }, state: {} })
  const centre = await startCentre(join(home, 'source'), join(home, 'state'))
  t.teardown(() => centre.stop())
  const dest = join(home, 'dest')
  await pullFrom(centre.url, dest)
  const store = new Store(join(dest, '.~prsync~/index'))
  store.transaction(() => {
    for (const root of [...store.blobRoots()]) store.removeBlob(root)
  })
  await store.close()
  const error = await rejection(pullFrom(centre.url, dest, { delete: true }))
  t.match(error.message, /index/)
  t.equal(readFileSync(join(dest, 'd/f'), 'utf8'), 'x')
})

/** Runs a start-up without root's rights to read everything. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  process.seteuid?.(65534)
  try {
    return await act()
  } finally {
    process.seteuid?.(0)
  }
}

t.test(
  'publishing while nodes pull: each ends at the old or the new, never a mixture',
  async (t) => {
    const home = t.testdir({ source: {}, state: {} })
    const source = join(home, 'source')
    const write = (generation: number): void => {
      for (let i = 0; i < 120; i++)
        writeFileSync(join(source, `f${i}`), `${generation} `.repeat(500 + i))
      writeFileSync(join(source, 'large'), Buffer.alloc(1_500_000, generation))
    }
    write(1)
    const centre = await startCentre(source, join(home, 'state'))
    t.teardown(() => centre.stop())
    const pulls = [1, 2, 3].map((i) => pullFrom(centre.url, join(home, `dest${i}`)))
    write(2)
    await centre.rescan()
    const reports = await Promise.all(pulls)
    for (const [i, report] of reports.entries()) {
      t.equal(report.exit, EXIT.ok)
      const found = new Set(
        readdirSync(join(home, `dest${i + 1}`))
          .filter((n) => /^f/.test(n))
          .map((n) => readFileSync(join(home, `dest${i + 1}`, n), 'utf8')[0]),
      )
      t.equal(found.size, 1, `node ${i} is at ${[...found].join(' and ')}`)
    }
    await pullFrom(centre.url, join(home, 'dest1'))
    t.strictSame(differences(source, join(home, 'dest1')), [])
  },
)

t.test(
  'kill -9 at twenty moments, then once more: never a wrong or partial file under its name',
  async (t) => {
    const home = t.testdir({ source: {}, state: {} })
    const [source, dest] = [join(home, 'source'), join(home, 'dest')]
    mkdirSync(join(source, 'sub'))
    for (let i = 0; i < 150; i++) writeFileSync(join(source, 'sub', `f${i}`), bytes(3000))
    for (let i = 0; i < 4; i++) writeFileSync(join(source, `large${i}`), bytes(3_000_000))
    const centre = await startCentre(source, join(home, 'state'))
    t.teardown(() => centre.stop())
    const run = (): ReturnType<typeof spawn> =>
      spawn(
        process.execPath,
        [
          fileURLToPath(projectFile('dist/bin/prsync.cjs')),
          'pull',
          centre.url,
          dest,
          '--linger',
          '0',
          '--bwlimit',
          '20m',
          '--peer-listen',
          '127.0.0.1:0',
        ],
        { stdio: 'ignore' },
      )
    let wrong = 0
    for (let i = 0; i < 20; i++) {
      const child = run()
      // Wherever it is by then: at the start for some, in the middle of files for others.
      const killer = setTimeout(() => child.kill('SIGKILL'), 120 + random.below(500))
      await once(child, 'exit')
      clearTimeout(killer)
      wrong += wrongFiles(source, dest)
    }
    t.equal(wrong, 0)
    const [code] = (await once(run(), 'exit')) as [number]
    t.equal(code, 0)
    t.strictSame(differences(source, dest), [])
    t.strictSame(readdirSync(join(dest, '.~prsync~/partial')), [])
  },
)

/** Files that stand under their names without being what they should. */
function wrongFiles(source: string, dest: string): number {
  if (!existsSync(dest)) return 0
  let wrong = 0
  for (const name of readdirSync(dest, { recursive: true, encoding: 'utf8' })) {
    if (name.startsWith('.~prsync~') || statSync(join(dest, name)).isDirectory()) continue
    if (!readFileSync(join(dest, name)).equals(readFileSync(join(source, name)))) wrong++
  }
  return wrong
}

t.test('deleting the index costs a comparison, never data', async (t) => {
  const home = t.testdir({ source: { f: 'x', g: 'y' }, state: {} })
  const dest = join(home, 'dest')
  const centre = await startCentre(join(home, 'source'), join(home, 'state'))
  t.teardown(() => centre.stop())
  await pullFrom(centre.url, dest)
  rmSync(join(dest, '.~prsync~'), { recursive: true })
  t.match(await pullFrom(centre.url, dest), { exit: 0, bytes: { wanted: 0 }, files: { kept: 2 } })
})
