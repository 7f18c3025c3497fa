/** The same configuration and the same commands at rsync's daemon and at prsync's: what clients hear, and what the logs say. */
import { spawn } from 'node:child_process'
import {
  chmodSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROGRAM } from './program.js'
import { serveAsInetd } from './rsync-daemon.js'

const DAEMONS = { rsync: ['rsync'], prsync: [process.execPath, PROGRAM] } as const

export type Told = {
  readonly command: string
  readonly status: number | null
  /** Of the client, with what other commands of the line say. */
  readonly said: string
  readonly log: string
}

/**
 * @param conf of the daemon; `HOME` is a directory with `s`, `w` and secrets in it, and `c` where the commands run
 * @param commands for sh, with $AT, $H and $PORT
 */
export async function askDaemon(
  who: keyof typeof DAEMONS,
  conf: string,
  commands: readonly string[],
  options: readonly string[] = [],
): Promise<readonly Told[]> {
  const home = mkdtempSync(join(tmpdir(), 'prsync-beside-'))
  furnish(home)
  writeFileSync(join(home, 'conf'), conf.replaceAll('HOME', home))
  writeFileSync(join(home, 'log'), '')
  const daemon = await serveAsInetd([
    ...DAEMONS[who],
    '--daemon',
    `--config=${home}/conf`,
    ...options,
  ])
  try {
    const all: Told[] = []
    let read = 0
    for (const command of commands) {
      const { status, said } = await run(command, home, daemon.port)
      await daemon.idle()
      const log = readFileSync(join(home, 'log'), 'latin1')
      const plain = (text: string): string => normal(text, home, daemon.port)
      all.push({ command, status, said: plain(said), log: plain(log.slice(read)) })
      read = log.length
    }
    return all
  } finally {
    await daemon.close()
    rmSync(home, { recursive: true })
  }
}

function run(
  command: string,
  home: string,
  port: number,
): Promise<{ readonly status: number | null; readonly said: string }> {
  const child = spawn('sh', ['-c', `exec 2>&1; ${command}`], {
    cwd: join(home, 'c'),
    env: {
      ...process.env,
      AT: `rsync://127.0.0.1:${port}`,
      H: home,
      PORT: String(port),
      LC_ALL: 'C.UTF-8',
    },
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1')
  })
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, said })))
}

/** What differs from run to run, and how each program calls itself. */
function normal(text: string, home: string, port: number): string {
  return (
    text
      .replaceAll(home, 'H')
      .replaceAll(`:${port}`, ':PORT')
      .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[\d+\] /gm, '')
      .replace(/^rsync: \[Receiver\] read error: Connection reset by peer.*\n/gm, '')
      .replace(/^rsync: \[sender\] read error: Connection reset by peer.*\n/gm, '')
      .replace(/^p?rsync error: (.*\(code \d+\)).*$/gm, 'rsync error: $1')
      .replace(/^prsync: /gm, 'rsync: ')
      // Behind chroot rsync shows paths from there on.
      .replace(/"\/(?=[^"]*" \(in )/g, '"')
      .replace(
        /^sent \d+ bytes {2}received \d+ bytes( {2}[\d.,]+ bytes\/sec)?/gm,
        'sent N bytes  received N',
      )
  )
}

function furnish(home: string): void {
  // Others than root have to come this far.
  chmodSync(home, 0o755)
  const files: readonly [string, string, number][] = [
    ['a', 'aaa\n', 0o644],
    ['d/b.gz', 'b'.repeat(5000), 0o644],
    ['d/e/c.txt', 'c\n'.repeat(3000), 0o640],
    ['secret', 'x', 0o600],
    ['closed/f', 'f', 0o644],
    ['z', 'zz', 0o644],
  ]
  for (const base of ['s', 'c/s']) {
    const top = join(home, base)
    for (const directory of ['d/e', 'closed']) mkdirSync(join(top, directory), { recursive: true })
    for (const [name, text, mode] of files) writeFileSync(join(top, name), text, { mode })
    for (const [name, target] of [
      ['l', 'a'],
      ['whole', '/a'],
      ['out', '../../etc/passwd'],
    ] as const)
      symlinkSync(target, join(top, name))
    chmodSync(join(top, 'closed'), 0o700)
    for (const name of ['a', 'l', 'whole', 'out', 'secret', 'z', 'closed/f', 'closed'])
      lutimesSync(join(top, name), 1e9, 1e9)
    for (const name of ['d/b.gz', 'd/e/c.txt', 'd/e', 'd', '.'])
      lutimesSync(join(top, name), 1e9, 1e9)
  }
  mkdirSync(join(home, 'w'))
  writeFileSync(join(home, 'c', 'new'), 'new')
  lutimesSync(join(home, 'c', 'new'), 1e9, 1e9)
  writeFileSync(join(home, 'secrets'), 'joe:pw\nann:a\nbob:b\ns:1\na;b:x\n', { mode: 0o600 })
  writeFileSync(join(home, 'open-secrets'), 'joe:pw\n', { mode: 0o644 })
  writeFileSync(join(home, 'motd'), 'hello\nthere\n')
  mkdirSync(join(home, 'conf.d'))
  writeFileSync(join(home, 'conf.d', 'one.conf'), `[one]\npath = ${home}/s\ncomment = one\n`)
  writeFileSync(join(home, 'conf.d', 'two.inc'), 'exclude = /d\n')
  writeFileSync(
    join(home, 'names'),
    `#!/bin/sh
while read -r what who; do
  echo "$what $who" >> ${home}/asked
  case "$what $who" in 'uid 1') echo sys;; 'gid 2') echo games;; 'usr bin') echo 9;; 'grp bin') echo 12;; *) echo;; esac
done
`,
    { mode: 0o755 },
  )
}
