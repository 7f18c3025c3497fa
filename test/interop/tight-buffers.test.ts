/**
 * Both directions full: many sums one way, many literals the other, long lists and requests, over links that hold next to
 * nothing. Nobody may wait for the other to read before he reads himself.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import t from 'tap'
import { serverArgs } from '../../lib/wire/server-args.js'
import { linkPair } from '../support/links.js'
import { PROGRAM } from '../support/program.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'
import { clientOptions, playClient, playServer } from '../support/replay.js'
import { serveAsInetd } from '../support/rsync-daemon.js'
import { seededRandom } from '../support/seeded-random.js'
import { differences } from '../support/trees.js'

const run = promisify(execFile)
/** A source, and a destination that has much of it, and what it has not. */
function makeTrees(home: string): void {
  const random = seededRandom(5)
  const block = Buffer.from(random.bytes(1 << 16))
  for (const side of ['s', 'd']) mkdirSync(`${home}/${side}/many`, { recursive: true })
  for (let file = 0; file < 3; file++) {
    const bytes = Buffer.concat(Array.from({ length: 16 }, (_, i) => rotated(block, i * 3 + file)))
    writeFileSync(`${home}/s/big${file}`, bytes)
    utimesSync(`${home}/s/big${file}`, 2, 2)
    // Every other block of it is another.
    for (let at = 0; at < bytes.length; at += 1024) bytes.fill(at & 255, at, at + 512)
    writeFileSync(`${home}/d/big${file}`, bytes)
    utimesSync(`${home}/d/big${file}`, 1, 1)
  }
  for (let i = 0; i < 800; i++) {
    const name = `${i}-${'long'.repeat(50)}`
    writeFileSync(`${home}/s/many/${name}`, '')
    utimesSync(`${home}/s/many/${name}`, 2, 2)
    writeFileSync(`${home}/d/many/${i % 2 === 0 ? name : `gone-${name}`}`, '')
    if (i % 2 === 0) utimesSync(`${home}/d/many/${name}`, 1, 1)
  }
  // Whole seconds: old protocols know no others.
  for (const directory of ['s/many', 's']) utimesSync(`${home}/${directory}`, 2, 2)
}
function rotated(block: Buffer, by: number): Buffer {
  return Buffer.concat([block.subarray(by), block.subarray(0, by)])
}
function homeWithTrees(): string {
  const home = mkdtempSync(`${tmpdir()}/prsync-tight-`)
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  makeTrees(home)
  cpSync(`${home}/d`, `${home}/before`, { recursive: true, preserveTimestamps: true })
  return home
}
function again(home: string): void {
  rmSync(`${home}/d`, { recursive: true })
  cpSync(`${home}/before`, `${home}/d`, { recursive: true, preserveTimestamps: true })
}

const WORDS = [
  ['-a', '-B128', '--delete'],
  ['-a', '-B128', '--delete-after', '--no-inc-recursive'],
  ['-a', '-B128', '--delete', '--protocol=29'],
  ['-ac', '-B128', '-z', '--delete-delay'],
]

t.test('over links that hold 1000 bytes, ours at both ends', async (t) => {
  const home = homeWithTrees()
  for (const words of WORDS)
    for (const isPull of [false, true]) {
      again(home)
      const options = clientOptions(words)
      const path = isPull ? `${home}/s/` : `${home}/d/`
      const protocol = options.protocol ?? 32
      const call = { isSender: isPull, paths: [path], protocol }
      const recording = {
        words: serverArgs(options, call).shell,
        isDaemon: false,
        toServer: new Uint8Array(0),
        toClient: new Uint8Array(0),
      }
      const there = { kind: 'shell', user: null, host: 'h', port: null, paths: [path] } as const
      const places = isPull
        ? ({ kind: 'pull', from: there, destination: `${home}/d/` } as const)
        : ({ kind: 'push', sources: [`${home}/s/`], to: there } as const)
      const [ours, theirs] = linkPair(1000)
      const { signal } = new AbortController()
      const [client, server] = await Promise.all([
        playClient(ours, options, places, false, signal),
        playServer(theirs, recording, [path], signal),
      ])
      const name = `${words.join(' ')} ${isPull ? 'pull' : 'push'}`
      t.same([client.exit, server], [0, 0], name)
      t.same(differences(`${home}/s`, `${home}/d`), [], name)
    }
})

t.test('over sockets, rsync at one end', { skip: noRsyncAsRoot }, async (t) => {
  const home = homeWithTrees()
  const sockets = 'SO_SNDBUF=2048,SO_RCVBUF=2048'
  const module = (name: string): string =>
    `[${name}]\npath = ${home}/${name}\nread only = no\nuse chroot = no\nuid = root\ngid = root\n`
  writeFileSync(`${home}/theirs.conf`, `socket options = ${sockets}\n${module('s')}${module('d')}`)
  writeFileSync(`${home}/ours.conf`, module('s') + module('d'))
  const prsync = [process.execPath, PROGRAM]
  const ends = [
    { client: prsync, daemon: ['rsync', '--daemon', `--config=${home}/theirs.conf`] },
    {
      client: ['rsync', `--sockopts=${sockets}`],
      daemon: [...prsync, '--daemon', `--config=${home}/ours.conf`],
    },
  ]
  for (const { client, daemon } of ends) {
    const server = await serveAsInetd(daemon)
    const url = `rsync://127.0.0.1:${server.port}`
    try {
      for (const places of [
        [`${home}/s/`, `${url}/d/`],
        [`${url}/s/`, `${home}/d/`],
      ]) {
        again(home)
        const [program = '', ...args] = [...client, '-a', '-B128', '--delete', ...places]
        const name = [...client.slice(-1), ...places].join(' ').replaceAll(home, '')
        // It rejects where the status is not 0, or where it does not end.
        await t.resolves(run(program, args, { timeout: 120_000 }), name)
        t.same(differences(`${home}/s`, `${home}/d`), [], name)
      }
    } finally {
      await server.close()
    }
  }
})
