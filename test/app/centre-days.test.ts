/** What goes wrong at the centre, end to end, with the program as a process of its own where it has to be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { pull } from '../../lib/app/pull.js'
import type { PullReport } from '../../lib/app/pull-report.js'
import { systemClock } from '../../lib/app/system.js'
import { EXIT, TrustError } from '../../lib/base/errors.js'
import { NO_EVENTS, pullConfig, pullFrom, startCentre } from '../support/centre.js'
import { onOwnDisk } from '../support/disk.js'
import { PROGRAM } from '../support/program.js'
import { seededRandom } from '../support/seeded-random.js'
import { differences } from '../support/trees.js'

const random = seededRandom(31)
const bytes = (n: number): Buffer => Buffer.from(random.bytes(n))
const needsRoot = { skip: process.geteuid?.() === 0 ? false : 'needs root' }

type Served = { readonly child: ChildProcess; readonly url: string; kill(): Promise<void> }

/** `prsync serve` as a process; ready, unless `isReady` says not to wait. */
async function serveProcess(t: Test, source: string, state: string, port = 0): Promise<Served> {
  const child = spawn(
    process.execPath,
    [
      ...[PROGRAM, 'serve', '--tracker', `m=${source}`, '--state', state],
      ...['--listen', `127.0.0.1:${port}`, '--peer-listen', '127.0.0.1:0'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  t.teardown(kill)
  let heard = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      heard += text
      const [, at] = /serving m .* at (\S+)\n/.exec(heard) ?? []
      if (at !== undefined) resolve(at)
    })
    child.on('exit', () => reject(new Error(`it left: ${heard}`)))
  })
  return { child, url, kill }
}

/** Pulls slowly; `act` runs once, when some bytes are here. */
async function pullMeanwhile(
  url: string,
  dest: string,
  act: () => Promise<void>,
): Promise<PullReport> {
  let acted: Promise<void> | null = null
  const events = {
    ...NO_EVENTS,
    progress: (_report: PullReport, state: { bytesDone: number }) => {
      if (state.bytesDone > 0) acted ??= act()
    },
  }
  const host = { clock: systemClock, log: () => {}, userAgent: 'prsync/test' }
  const config = { ...pullConfig(url, dest), downloadRate: 1_500_000 }
  try {
    return (await pull(config, events, host, new AbortController().signal)).report
  } finally {
    await acted
  }
}

t.test('killed and started again in the middle of a pull: the pull ends right', async (t) => {
  const home = t.testdir({ source: {}, state: {} })
  const source = join(home, 'source')
  for (let i = 0; i < 12; i++) writeFileSync(join(source, `f${i}`), bytes(400_000))
  const first = await serveProcess(t, source, join(home, 'state'))
  const dest = join(home, 'dest')
  let wasKilled = false
  const report = await pullMeanwhile(first.url, dest, async () => {
    await first.kill()
    wasKilled = true
    await serveProcess(t, source, join(home, 'state'), Number(new URL(first.url).port))
  })
  t.ok(wasKilled)
  t.equal(report.exit, EXIT.ok)
  t.strictSame(differences(source, dest), [])
})

t.test('replaced by a centre with another key: not followed, nothing changed', async (t) => {
  const home = t.testdir({ source: { f: 'mine' }, other: { f: 'theirs' } })
  const dest = join(home, 'dest')
  const mine = await startCentre(join(home, 'source'), join(home, 'state'))
  await pullFrom(mine.url, dest)
  await mine.stop()
  const listen = { host: '127.0.0.1', port: Number(new URL(mine.url).port) }
  const theirs = await startCentre(join(home, 'other'), join(home, 'state2'), { listen })
  t.teardown(() => theirs.stop())
  t.equal(theirs.url, mine.url)
  await t.rejects(pullFrom(mine.url, dest), TrustError)
  t.equal(readFileSync(join(dest, 'f'), 'utf8'), 'mine')
})

t.test('a file that changes while it is hashed is published whole, or later', async (t) => {
  const home = t.testdir({ source: { still: 'still' }, state: {} })
  const source = join(home, 'source')
  writeFileSync(join(source, 'log'), bytes(20_000_000))
  const writer = spawn(process.execPath, [
    '-e',
    `const fs = require('fs'); const fd = fs.openSync(process.argv[1], 'a')
     process.stdout.write('on'); for (let i = 0; ; i++) fs.writeSync(fd, 'line ' + i)`,
    join(source, 'log'),
  ])
  t.teardown(() => writer.kill('SIGKILL'))
  await once(writer.stdout, 'data')
  const centre = await startCentre(source, join(home, 'state'))
  t.teardown(() => centre.stop())
  t.equal(centre.head.files, 1, 'what goes on changing is left to the next snapshot')
  writer.kill('SIGKILL')
  await once(writer, 'exit')
  t.equal((await centre.rescan()).files, 2)
  const dest = join(home, 'dest')
  t.equal((await pullFrom(centre.url, dest)).exit, EXIT.ok)
  t.strictSame(differences(source, dest), [])
})

t.test(
  'kill -9 while it publishes: the next start goes on, no sequence is used twice',
  async (t) => {
    const home = t.testdir({ source: {}, state: {} })
    const source = join(home, 'source')
    const state = join(home, 'state')
    const dest = join(home, 'dest')
    let last = 0
    for (let round = 0; round < 5; round++) {
      mkdirSync(join(source, `d${round}`))
      for (let i = 0; i < 300; i++) writeFileSync(join(source, `d${round}/f${i}`), bytes(3000))
      writeFileSync(join(source, 'large'), bytes(5_000_000))
      if (round > 0) {
        const args = [PROGRAM, 'serve', '--tracker', `m=${source}`, '--state', state]
        const dying = spawn(
          process.execPath,
          [...args, '--listen', '127.0.0.1:0', '--peer-listen', '127.0.0.1:0'],
          { stdio: 'ignore' },
        )
        const over = once(dying, 'exit')
        await systemClock.sleep(250 + round * 60, new AbortController().signal)
        dying.kill('SIGKILL')
        await over
      }
      const centre = await startCentre(source, state)
      t.ok(centre.head.sequence > last, `${centre.head.sequence} after ${last}`)
      last = centre.head.sequence
      t.equal((await pullFrom(centre.url, dest)).exit, EXIT.ok)
      t.strictSame(differences(source, dest), [], `round ${round}`)
      await centre.stop()
    }
  },
)

t.test(
  'no room for the index: what is published stays, and goes on once there is',
  needsRoot,
  async (t) => {
    const home = t.testdir({ source: { f: 'first' } })
    const source = join(home, 'source')
    const dest = join(home, 'dest')
    await onOwnDisk(t, 'size=3m', async (disk) => {
      const failed: string[] = []
      const centre = await startCentre(source, join(disk, 'state'), {}, (what) => failed.push(what))
      try {
        const ballast = join(disk, 'ballast')
        const fill = (size: number): void => {
          try {
            for (;;) appendFileSync(ballast, Buffer.alloc(size))
          } catch (error) {
            if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
          }
        }
        fill(65536)
        fill(512)
        mkdirSync(join(source, 'many'))
        for (let i = 0; i < 2000; i++) writeFileSync(join(source, `many/f${i}`), `${i}`)
        await centre.look()
        t.match(failed, [/cannot write the index .*no space left/])
        t.equal((await pullFrom(centre.url, dest)).sequence, 1)
        rmSync(ballast)
        t.equal((await centre.rescan()).files, 2001)
        t.equal((await pullFrom(centre.url, dest)).exit, EXIT.ok)
        t.strictSame(differences(source, dest), [])
      } finally {
        await centre.stop()
      }
    })
  },
)

t.test('no wire can be reached: everything comes over HTTP, and it says so', async (t) => {
  const home = t.testdir({ source: { f: 'x' } })
  writeFileSync(join(home, 'source/large'), bytes(300_000))
  const centre = await startCentre(join(home, 'source'), join(home, 'state'), { peerListen: null })
  t.teardown(() => centre.stop())
  let said = 0
  const events = { ...NO_EVENTS, noPeers: () => void said++ }
  const host = { clock: systemClock, log: () => {}, userAgent: 'prsync/test' }
  const dest = join(home, 'dest')
  const config = { ...pullConfig(centre.url, dest), peerListen: { host: '127.0.0.1', port: 0 } }
  const { report } = await pull(config, events, host, new AbortController().signal)
  t.match(report, { exit: EXIT.ok, bytes: { centre: 300_001, peers: 0 } })
  t.equal(said, 1)
  t.strictSame(differences(join(home, 'source'), dest), [])
})

t.test('the directory of a tree is replaced, by a link or in its place', async (t) => {
  const home = t.testdir({ one: { f: 'one' }, two: { f: 'two', g: 'two' } })
  const source = join(home, 'source')
  const dest = join(home, 'dest')
  symlinkSync('one', source)
  const failed: string[] = []
  const note = (what: string): void => void failed.push(what)
  const centre = await startCentre(source, join(home, 'state'), {}, note)
  t.teardown(() => centre.stop())
  rmSync(source)
  symlinkSync('two', source)
  t.equal((await centre.rescan()).files, 2, 'a link that was switched')
  rmSync(source)
  await centre.look()
  t.match(failed, [/cannot open directory/], 'nothing there: what was published stays')
  t.equal((await pullFrom(centre.url, dest, { delete: true })).sequence, 2)
  mkdirSync(source)
  writeFileSync(join(source, 'h'), 'three')
  t.equal((await centre.rescan()).files, 1)
  t.equal((await pullFrom(centre.url, dest, { delete: true })).exit, EXIT.ok)
  t.strictSame(differences(source, dest), [])
})
