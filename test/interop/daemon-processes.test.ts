/** prsync's daemon as a process: leaving its terminal, its pid file, proxies, connections that are too many. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import t from 'tap'
import { freePort, listening } from '../support/ports.js'
import { PROGRAM, prsync } from '../support/program.js'
import { serveAsInetd } from '../support/rsync-daemon.js'

function home(conf: string): string {
  const at = mkdtempSync(join(tmpdir(), 'prsync-processes-'))
  mkdirSync(join(at, 's'))
  writeFileSync(join(at, 's', 'f'), 'bytes')
  writeFileSync(join(at, 'conf'), conf.replaceAll('HOME', at))
  return at
}
const daemonWords = (at: string): string[] => [
  process.execPath,
  PROGRAM,
  '--daemon',
  `--config=${at}/conf`,
]
const clean = (at: string): void => void spawnSync('rm', ['-rf', at])

/** What a daemon says to all that a client says. */
async function say(port: number, bytes: Buffer): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  let heard = ''
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1')
  })
  socket.end(bytes)
  await once(socket, 'close')
  return heard
}

t.test('it leaves its terminal, says who it is, and ends when it is told to', async (t) => {
  const at = home(
    'pid file = HOME/pid\nlog file = HOME/log\nuid = root\ngid = root\nuse chroot = no\n[m]\npath = HOME/s\n',
  )
  const port = await freePort()
  const words = [...daemonWords(at), '--address=127.0.0.1', `--port=${port}`]
  const [program = '', ...args] = words
  const started = spawn(program, args, { stdio: 'ignore' })
  const [status] = (await once(started, 'exit')) as [number]
  t.equal(status, 0, 'the one that was started is gone')
  await listening(port, { exitCode: null } as never)
  const pid = Number(readFileSync(join(at, 'pid'), 'latin1'))
  t.ok(pid > 1 && pid !== started.pid, 'another one has taken over')
  const got = await prsync([`rsync://127.0.0.1:${port}/m/f`, `${at}/got`])
  t.same([got.status, readFileSync(join(at, 'got'), 'latin1')], [0, 'bytes'])
  const second = await prsync([
    ...['--daemon', '--no-detach', `--config=${at}/conf`, '--address=127.0.0.1'],
    `--port=${await freePort()}`,
  ])
  t.match([second.status, second.stderr], [5, /pid file/], 'a second one does not start')
  process.kill(pid, 'SIGTERM')
  // As long as it takes: a file that stays is a test without an end.
  while (existsSync(join(at, 'pid'))) await breathe()
  const late = await prsync([`rsync://127.0.0.1:${port}/m/f`, `${at}/late`])
  t.equal(late.status, 10, 'it is gone, and its file with it')
  t.match(readFileSync(join(at, 'log'), 'latin1'), /prsyncd started, listening on port/)
  clean(at)
})

t.test(
  'one waits for the next connection, and reads the configuration as it is then',
  async (t) => {
    const at = home(
      'log file = HOME/log\nuid = root\ngid = root\nuse chroot = no\n[m]\npath = HOME/none\n',
    )
    const port = await freePort()
    const [program = '', ...args] = daemonWords(at)
    const daemon = spawn(
      program,
      [...args, '--no-detach', '--address=127.0.0.1', `--port=${port}`],
      { stdio: 'ignore' },
    )
    await listening(port, daemon)
    const children = (): string[] =>
      readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'latin1').split(' ')
    writeFileSync(join(at, 'conf'), readFileSync(join(at, 'conf'), 'latin1').replace('none', 's'))
    const served = (): string[] =>
      [...readFileSync(join(at, 'log'), 'latin1').matchAll(/\[(\d+)\] connect from/g)].map(
        ([, pid = '']) => pid,
      )
    for (let waiting: string | undefined; waiting === undefined || served().at(-1) !== waiting; ) {
      waiting = undefined
      while (waiting === undefined) {
        await breathe()
        const known = served()
        waiting = children().find((pid) => pid !== '' && !known.includes(pid))
      }
      const got = await prsync([`rsync://127.0.0.1:${port}/m/f`, `${at}/got`])
      t.same([got.status, readFileSync(join(at, 'got'), 'latin1')], [0, 'bytes'])
    }
    const ended = once(daemon, 'close')
    daemon.kill('SIGTERM')
    await ended
    clean(at)
  },
)

t.test('a proxy says who connects', async (t) => {
  const at = home(`log file = HOME/log
uid = root
gid = root
use chroot = no
proxy protocol = yes
proxy protocol hosts = 127.0.0.1
reverse lookup = no
[m]
path = HOME/s
hosts allow = 192.0.2.0/24 2001:db8::/32
[other]
path = HOME/s
hosts allow = 127.0.0.1
`)
  const daemon = await serveAsInetd(daemonWords(at))
  const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
  const v4 = Buffer.from('2111000cc00002077f000001300a0369', 'hex')
  const v6 = Buffer.concat([
    Buffer.from('21210024', 'hex'),
    Buffer.from('20010db8000000000000000000000007', 'hex'),
    Buffer.alloc(16),
    Buffer.from('300a0369', 'hex'),
  ])
  const hello = (module: string): Buffer => Buffer.from(`@RSYNCD: 31.0\n${module}\n`)
  const cases: [name: string, head: Buffer, address: string][] = [
    ['v1', Buffer.from('PROXY TCP4 192.0.2.7 127.0.0.1 12298 873\r\n'), '192.0.2.7'],
    ['v2', Buffer.concat([signature, v4]), '192.0.2.7'],
    ['v2, IPv6', Buffer.concat([signature, v6]), '2001:db8::7'],
  ]
  for (const [name, head, address] of cases) {
    t.match(await say(daemon.port, Buffer.concat([head, hello('m')])), /@RSYNCD: OK\n/, name)
    const refused = await say(daemon.port, Buffer.concat([head, hello('other')]))
    t.match(refused, `@ERROR: access denied to other from UNDETERMINED (${address})\n`, name)
  }
  t.equal(await say(daemon.port, hello('m')), '', 'who comes without a proxy hears nothing')
  await daemon.idle()
  writeFileSync(
    join(at, 'conf'),
    readFileSync(join(at, 'conf'), 'latin1').replace('hosts = 127.0.0.1', 'hosts = 192.0.2.1'),
  )
  const [, head = Buffer.alloc(0)] = cases[0] ?? []
  t.equal(await say(daemon.port, Buffer.concat([head, hello('m')])), '', 'nor who is no proxy')
  await daemon.close()
  clean(at)
})

t.test('a module takes so many clients at a time', async (t) => {
  const at = home(`log file = HOME/log
lock file = HOME/lock
uid = root
gid = root
use chroot = no
max connections = 1
[m]
path = HOME/s
`)
  const daemon = await serveAsInetd(daemonWords(at))
  const first = net.connect(daemon.port, '127.0.0.1')
  let heard = ''
  const isIn = new Promise<void>((resolve) =>
    first.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
      if (heard.includes('@RSYNCD: OK\n')) resolve()
    }),
  )
  first.write('@RSYNCD: 31.0\nm\n')
  await isIn
  const second = await prsync([`rsync://127.0.0.1:${daemon.port}/m/f`, `${at}/got`])
  t.match(
    [second.status, second.stderr],
    [5, /@ERROR: max connections \(1\) reached -- try again later/],
  )
  first.destroy()
  await daemon.idle()
  const third = await prsync([`rsync://127.0.0.1:${daemon.port}/m/f`, `${at}/got`])
  t.equal(third.status, 0, 'and another one when there is room')
  t.match(readFileSync(join(at, 'log'), 'latin1'), /max connections \(1\) reached\n/)
  await daemon.close()
  clean(at)
})

const notRoot = process.geteuid?.() === 0 ? false : 'only root becomes somebody else'
t.test('a module that its user cannot go to is told of', { skip: notRoot }, async (t) => {
  // The directory above is for its owner alone.
  const at = home('log file = HOME/log\nuse chroot = no\n[m]\npath = HOME/s\n')
  const daemon = await serveAsInetd(daemonWords(at))
  t.teardown(() => daemon.close())
  const ran = await prsync([`rsync://127.0.0.1:${daemon.port}/m/f`, `${at}/got`])
  t.match(ran, { status: 5, stderr: /@ERROR: chdir failed/ })
  t.match(readFileSync(join(at, 'log'), 'latin1'), /chdir .*\/s failed: Permission denied/)
  t.notOk(existsSync(`${at}/got`))
  clean(at)
})

t.test('behind `daemon chroot` modules have what they need', { skip: notRoot }, async (t) => {
  const at = home(`log file = HOME/log
daemon chroot = HOME
daemon uid = 65534
use chroot = no
path = /s
[named]
charset = iso-8859-1
[published]
published by = /index
`)
  chmodSync(at, 0o755)
  writeFileSync(Buffer.from(`${at}/s/\xe9`, 'latin1'), 'accent')
  const daemon = await serveAsInetd(daemonWords(at))
  t.teardown(() => daemon.close())
  const url = `rsync://127.0.0.1:${daemon.port}`
  const named = await prsync(['-r', '--iconv=utf-8', `${url}/named/`, `${at}/got`])
  t.match(named, { status: 0, stderr: '' })
  t.equal(readFileSync(`${at}/got/\u00e9`, 'latin1'), 'accent')
  const published = await prsync([`${url}/published/`, `${at}/none`])
  t.match(published, { status: 5, stderr: /@ERROR: nothing is published yet/ })
  clean(at)
})

t.test('SIGUSR1 ends it, and opens no port of a debugger', async (t) => {
  const child = spawn(
    process.execPath,
    [PROGRAM, '--server', '--daemon', '--config=/dev/null', '.'],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  // It has said who it is.
  await once(child.stdout, 'data')
  child.kill('SIGUSR1')
  const [status] = (await once(child, 'close')) as [number]
  t.equal(status, 20)
  t.notMatch(said, /Debugger/)
})
