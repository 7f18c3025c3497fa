import { spawn } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import t, { type Test } from 'tap'
import {
  type Connection,
  type ConnectOptions,
  connect,
  type ModuleListing,
} from '../../lib/app/connect.js'
import { ProgramError, SocketError, UsageError } from '../../lib/base/errors.js'
import { placesOf } from '../../lib/options/remote.js'
import { noRsync } from '../support/real-rsync.js'
import { serveRealRsync } from '../support/rsync-daemon.js'

const never = new AbortController().signal

function options(of: Partial<ConnectOptions>, texts: string[] = []): ConnectOptions {
  return {
    rsh: null,
    rsyncPath: 'rsync',
    program: [],
    toWire: (word) => word,
    family: null,
    port: null,
    address: null,
    sockopts: null,
    contimeoutMs: 0,
    passwordFile: null,
    motd: true,
    earlyInput: null,
    secluded: false,
    oldArgs: false,
    protocol: 32,
    isPull: true,
    trace: {},
    onText: (line) => texts.push(line),
    warn: () => {},
    ...of,
    env: { PATH: process.env['PATH'], ...of.env },
  }
}
const SERVER = ['--server', '--sender', '-re.iLsfxCIvu', '.']
const SECLUDED = ['--server', '--sender', '-sre.iLsfxCIvu', '.']

function open(
  source: string,
  how: ConnectOptions,
  paths: readonly string[],
): Promise<Connection | ModuleListing> {
  const places = placesOf([source], '.')
  if (places.kind !== 'pull') throw new Error('not elsewhere')
  return connect(places.from, () => [...(how.secluded ? SECLUDED : SERVER), ...paths], how, never)
}

/** The first byte that the server says by itself. */
async function firstByte(opened: Connection | ModuleListing): Promise<number | undefined> {
  if (opened.kind !== 'connection') throw new Error('no connection')
  const bytes = await opened.link.read(never)
  await opened.link.close()
  return bytes?.[0]
}

function config(t: Test): { readonly directory: string; readonly conf: string } {
  const directory = t.testdir({
    m: { 'a file': 'x' },
    motd: 'hello\n',
    secrets: 'joe:secret\n',
    password: 'secret\nnot this\n',
    early: 'early',
  })
  chmodSync(`${directory}/secrets`, 0o600)
  chmodSync(`${directory}/password`, 0o600)
  const conf = `${directory}/rsyncd.conf`
  writeFileSync(
    conf,
    `use chroot = no
motd file = ${directory}/motd
log file = ${directory}/log
[mod]
path = ${directory}/m
comment = of all
[sec]
path = ${directory}/m
auth users = joe
secrets file = ${directory}/secrets
[early]
path = ${directory}/m
early exec = cat >${directory}/said
`,
  )
  return { directory, conf }
}

t.test('the real daemon at its port', { skip: noRsync }, async (t) => {
  const { directory, conf } = config(t)
  const daemon = await serveRealRsync(conf)
  t.teardown(() => daemon.close())
  const url = `rsync://joe@127.0.0.1:${daemon.port}`
  const texts: string[] = []
  t.same(await open(url, options({}, texts), []), { kind: 'listing' })
  t.same(texts, ['hello', '', 'mod            \tof all', 'sec            \t', 'early          \t'])
  const silent: string[] = []
  await open(url, options({ motd: false }, silent), [])
  t.same(silent, [])
  const byPort = options({ port: daemon.port, address: '127.0.0.1', family: 4, contimeoutMs: 5000 })
  const plain = await open('127.0.0.1::mod/a file', byPort, ['mod/a file'])
  t.match(plain, { daemonProtocol: 32 })
  t.ok(((await firstByte(plain)) ?? 0) & 0x80, 'compatibility flags')
  t.equal(plain.kind === 'connection' && (await plain.finished()), 0)
  const older = await open(`${url}/mod`, options({ protocol: 29 }), ['mod'])
  t.match(older, { daemonProtocol: 29 })
  t.ok((await firstByte(older)) !== undefined, 'the seed')
  const secluded = await open(`${url}/mod`, options({ secluded: true }), ['mod/a file'])
  t.ok(await firstByte(secluded))
  const login: [string, Partial<ConnectOptions>][] = [
    ['RSYNC_PASSWORD', { env: { RSYNC_PASSWORD: 'secret' } }],
    ['--password-file', { passwordFile: `${directory}/password` }],
  ]
  for (const [name, how] of login)
    for (const protocol of [32, 29])
      t.match(
        await open(`${url}/sec`, options({ ...how, protocol }), ['sec']).then(shut),
        { daemonProtocol: protocol },
        `${name}, protocol ${protocol}`,
      )
  await shut(await open(`${url}/early`, options({ earlyInput: `${directory}/early` }), ['early']))
  t.equal(readFileSync(`${directory}/said`, 'latin1'), 'early')
  await t.rejects(open(`${url}/sec`, options({ env: { RSYNC_PASSWORD: 'x' } }), []), {
    name: 'StartupError',
    message: '@ERROR: auth failed on module sec',
  })
  await t.rejects(open(`${url}/none`, options({}), []), {
    name: 'StartupError',
    message: "@ERROR: Unknown module 'none'",
  })
})
async function shut(opened: Connection | ModuleListing): Promise<Connection | ModuleListing> {
  if (opened.kind === 'connection') await opened.link.close()
  return opened
}

t.test('a daemon behind a program, and behind a remote shell', { skip: noRsync }, async (t) => {
  const { directory, conf } = config(t)
  const program = options({
    env: { RSYNC_CONNECT_PROG: `test %H = the-host && rsync --daemon --config=${conf}` },
  })
  const through = await open('the-host::mod', program, ['mod'])
  t.ok(await firstByte(through))
  const failing = { RSYNC_CONNECT_PROG: `rsync --daemon --config=${conf}; exit 9` }
  const network = await open('h::mod', options({ env: failing }), ['mod'])
  t.ok(await firstByte(network))
  await shut(network)
  t.equal(network.kind === 'connection' && (await network.finished()), 0, 'it has no status')
  const shell = `${directory}/shell`
  writeFileSync(
    shell,
    `#!/bin/sh\necho "$@" $RSYNC_PORT >${directory}/said\nshift; eval exec "$@" --config=${conf}\n`,
  )
  chmodSync(shell, 0o755)
  const behind = await open('h::mod', options({ rsh: shell }), ['mod'])
  t.ok(await firstByte(behind))
  t.equal(readFileSync(`${directory}/said`, 'latin1'), 'h rsync --server --daemon . 873\n')
  await t.rejects(open('a;b::mod', program, []), UsageError)
})

t.test('a remote shell', { skip: noRsync }, async (t) => {
  const { directory } = config(t)
  const shell = `${directory}/shell`
  writeFileSync(
    shell,
    `#!/bin/sh\nwhile [ "$1" != rsync ]; do shift; done\nprintf '%s\\0' "$@" >${directory}/said\neval exec "$@" 2>/dev/null\n`,
  )
  chmodSync(shell, 0o755)
  const how = options({ rsh: shell })
  const opened = await open('h:x', how, [`${directory}/m/a file`])
  t.match(opened, { daemonProtocol: null })
  if (opened.kind !== 'connection') throw new Error('no connection')
  await opened.link.write(Uint8Array.of(32, 0, 0, 0), never)
  t.equal((await opened.link.read(never))?.[0], 32, 'its version')
  await opened.link.close()
  t.ok((await opened.finished()) > 0)
  const hidden = await open('h:x', { ...how, secluded: true }, ['a b', ''])
  await firstByte(hidden)
  t.equal(
    readFileSync(`${directory}/said`, 'latin1'),
    'rsync\0--server\0--sender\0-sre.iLsfxCIvu\0',
  )
  const odd = await open('h:x', { ...how, rsh: `${shell} \xe9` }, ['\xff\n'])
  await firstByte(odd)
  t.equal(
    readFileSync(`${directory}/said`, 'latin1').split('\0').at(-2),
    '\xff\\\n',
    'bytes that are not UTF-8',
  )
})

t.test('statuses of a remote shell', async (t) => {
  const statuses: [string, number][] = [
    ["sh -c 'exit 127'", 127],
    ["sh -c 'exit 3'", 3],
    ["sh -c 'kill -9 $$'", 16],
    ["sh -c 'kill -11 $$'", 15],
  ]
  for (const [rsh, status] of statuses) {
    const opened = await open('h:x', options({ rsh }), ['x'])
    t.equal(opened.kind === 'connection' && (await opened.finished()), status, rsh)
    await shut(opened)
  }
  await t.rejects(open('h:x', options({ rsh: '/no/such/shell' }), ['x']), ProgramError)
})

t.test('a remote shell ends with the run', async (t) => {
  const run = new AbortController()
  const places = placesOf(['h:x'], '.')
  if (places.kind !== 'pull') throw new Error('not elsewhere')
  const how = options({ rsh: "sh -c 'exec sleep 1000'" })
  const opened = await connect(places.from, () => SERVER, how, run.signal)
  run.abort(new Error('enough'))
  t.equal(opened.kind === 'connection' && (await opened.finished()), 16)
})

t.test('through a proxy', { skip: noRsync }, async (t) => {
  const { conf } = config(t)
  const asked: string[] = []
  const proxy = net.createServer((socket) => {
    socket.once('data', (head) => {
      asked.push(head.toString('latin1'))
      if (asked.length > 1) {
        socket.end('HTTP/1.0 403 no\r\n\r\n')
        return
      }
      socket.pause()
      socket.write('HTTP/1.0 200 Established\r\nX: y\r\n\r\n', () => {
        spawn('rsync', ['--daemon', `--config=${conf}`], { stdio: [socket, socket, 'ignore'] })
        socket.destroy()
      })
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.teardown(() => proxy.close())
  const { port } = proxy.address() as net.AddressInfo
  const how = options({ env: { RSYNC_PROXY: `me:it@127.0.0.1:${port}` } })
  t.ok(await firstByte(await open('rsync://[2001:db8::1]:9/mod', how, ['mod'])))
  t.equal(
    asked[0],
    'CONNECT [2001:db8::1]:9 HTTP/1.0\r\nProxy-Authorization: Basic bWU6aXQ=\r\n\r\n',
  )
  await t.rejects(open('h::mod', how, ['mod']), { name: 'SocketError', message: /403/ })
  await t.rejects(open('h::mod', options({ env: { RSYNC_PROXY: 'x' } }), []), SocketError)
})

t.test('nobody there', async (t) => {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  await t.rejects(open(`rsync://127.0.0.1:${port}/m`, options({}), []), SocketError)
  const file = options({ passwordFile: '/no/such/file', env: { RSYNC_CONNECT_PROG: 'cat' } })
  await t.rejects(open('h::m', file, []), UsageError)
})
