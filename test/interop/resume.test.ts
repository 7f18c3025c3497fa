/** A large file on its way, stopped in the middle and gone on with: what came is not sent again. */
import { spawn, spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { PROGRAM } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'

const MIB = 2 ** 20
/** Where there is one, a disk is spared. */
const MEMORY = '/dev/shm'
/** A whole gibibyte takes a minute on a busy machine: PRSYNC_TEST_SIZE=1024. */
const SIZE = Number(process.env['PRSYNC_TEST_SIZE'] ?? 192) * MIB
/** Stopped once so much is there. */
const ENOUGH = SIZE / 4

function makeBig(path: string): void {
  const fd = openSync(path, 'w')
  const part = Buffer.allocUnsafe(4 * MIB)
  for (let at = 0; at < SIZE; at += part.length) writeSync(fd, randomFillSync(part))
  closeSync(fd)
}

/** Starts a pull, and stops it when enough has come. @returns its status, or the signal that ended it */
async function interrupted(
  home: string,
  args: readonly string[],
  signal: NodeJS.Signals,
): Promise<unknown> {
  const pull = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: home,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const look = setInterval(() => {
    const arrived = readdirSync(`${home}/d`).map((name) => statSync(`${home}/d/${name}`).size)
    if (Math.max(0, ...arrived) < ENOUGH) return
    clearInterval(look)
    pull.kill(signal)
  }, 5)
  const [status, by] = (await once(pull, 'exit')) as [number | null, string | null]
  clearInterval(look)
  return status ?? by
}
/** @returns bytes that were sent, as --stats counts them */
function resumed(home: string, args: readonly string[]): number {
  const ran = spawnSync(process.execPath, [PROGRAM, ...args, '--stats', '--no-h'], {
    cwd: home,
    encoding: 'utf8',
  })
  if (ran.status !== 0) throw new Error(`${ran.status}: ${ran.stdout}${ran.stderr}`)
  return Number(/^Literal data: (\d+) bytes$/m.exec(ran.stdout)?.[1])
}
const isSame = (home: string): boolean =>
  spawnSync('cmp', ['s/big', 'd/big'], { cwd: home }).status === 0

t.test('stopped and gone on with', { skip: noRsync }, async (t) => {
  const home = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'prsync-'))
  t.teardown(() => spawnSync('rm', ['-rf', home]))
  // A daemon of root's gives as nobody.
  chmodSync(home, 0o755)
  for (const name of ['s', 'd']) mkdirSync(`${home}/${name}`)
  makeBig(`${home}/s/big`)
  writeFileSync(`${home}/rsh`, '#!/bin/sh\nshift\nexec sh -c "$*"\n', { mode: 0o755 })
  writeFileSync(`${home}/conf`, `use chroot = no\n[m]\npath = ${home}/s\n`)
  const daemon = `${process.execPath} ${PROGRAM} --daemon --config=${home}/conf`

  await t.test('Ctrl-C with --partial, through a remote shell from rsync', async (t) => {
    const args = ['-t', '--partial', '-e', './rsh', `x:${home}/s/big`, 'd/']
    t.equal(await interrupted(home, args, 'SIGINT'), 20)
    t.same(readdirSync(`${home}/d`), ['big'], 'what came has its name, and nothing else is left')
    const came = statSync(`${home}/d/big`).size
    t.ok(came >= ENOUGH && came < SIZE, `${came} bytes`)
    const literal = resumed(home, args)
    t.ok(literal <= SIZE - came + 2 * MIB, `${literal} bytes, not ${SIZE}`)
    t.ok(isSame(home))
  })

  await t.test('a file that grows no further, as on a full disk', async (t) => {
    spawnSync('rm', ['d/big'], { cwd: home })
    process.env['RSYNC_CONNECT_PROG'] = daemon
    t.teardown(() => delete process.env['RSYNC_CONNECT_PROG'])
    // The limit counts 512 or 1024 bytes, as the shell has it. What a test runner has its children load writes above it.
    const limited = `trap '' XFSZ; ulimit -f 20000; unset NODE_OPTIONS; exec "$@"`
    for (const options of [[], ['--partial']]) {
      const words = [PROGRAM, '-t', ...options, 'rsync://localhost/m/big', 'd/']
      const ran = spawnSync('sh', ['-c', limited, 'sh', process.execPath, ...words], {
        cwd: home,
        encoding: 'utf8',
      })
      t.match([ran.status, ran.stderr], [11, /write failed on ".*big": File too large/])
      t.same(readdirSync(`${home}/d`), options.length === 0 ? [] : ['big'])
    }
    const came = statSync(`${home}/d/big`).size
    t.ok(came >= 20_000 * 512 && came < SIZE, `${came} bytes`)
    const start = spawnSync('cmp', ['-n', `${came}`, 's/big', 'd/big'], { cwd: home })
    t.equal(start.status, 0, 'they are its beginning')
    spawnSync('rm', ['d/big'], { cwd: home })
  })

  await t.test('kill -9 with --inplace, from a daemon of ours', async (t) => {
    const args = ['-t', '--inplace', 'rsync://localhost/m/big', 'd/']
    process.env['RSYNC_CONNECT_PROG'] = daemon
    t.teardown(() => delete process.env['RSYNC_CONNECT_PROG'])
    t.equal(await interrupted(home, args, 'SIGKILL'), 'SIGKILL')
    const came = statSync(`${home}/d/big`).size
    t.ok(came >= ENOUGH && came < SIZE, `${came} bytes`)
    const literal = resumed(home, args)
    t.ok(literal <= SIZE - came + 2 * MIB, `${literal} bytes, not ${SIZE}`)
    t.ok(isSame(home))
  })
})
