/** Copies through Debian's sshd with a key made for them: rsync and prsync at both ends, and what an interrupt leaves. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { makeTree } from '../support/odd-trees.js'
import { freePort, listening } from '../support/ports.js'
import { PROGRAM } from '../support/program.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

const run = promisify(execFile)
const SSHD = '/usr/sbin/sshd'
const skip = noRsyncAsRoot || (existsSync(SSHD) ? false : 'needs the Debian package openssh-server')

t.test('through sshd', { skip }, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'prsync-ssh-'))
  makeTree(`${home}/s`, 11, false)
  mkdirSync(`${home}/s/two words`)
  writeFileSync(`${home}/s/two words/it's $HOME`, 'quoted')
  const port = await freePort()
  for (const key of ['key', 'host'])
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${home}/${key}`])
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${home}/host`,
    `AuthorizedKeysFile ${home}/key.pub`,
    'StrictModes no',
    'PidFile none',
    'PermitRootLogin yes',
    'UsePAM no',
  ]
  writeFileSync(`${home}/conf`, `${config.join('\n')}\n`)
  mkdirSync('/run/sshd', { recursive: true })
  const sshd = spawn(SSHD, ['-D', '-e', '-f', `${home}/conf`], { stdio: 'ignore' })
  const ended = new Promise((resolve) => sshd.once('exit', resolve))
  t.teardown(async () => {
    sshd.kill('SIGTERM')
    await ended
    spawnSync('rm', ['-rf', home])
  })
  await listening(port, sshd)

  const shell = `ssh -p ${port} -i ${home}/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR`
  const ours = `${process.execPath} ${PROGRAM}`
  const at = `127.0.0.1:${home}`
  const same = (a: string, b: string): string =>
    spawnSync('rsync', ['-aHin', '--delete', a, b], { encoding: 'utf8' }).stdout
  for (const [name, here, there] of [
    ['prsync to rsync', [process.execPath, PROGRAM], 'rsync'],
    ['rsync to prsync', ['rsync'], ours],
    ['prsync to prsync', [process.execPath, PROGRAM], ours],
  ] as const) {
    const [program = '', ...before] = here
    const copy = (...args: string[]): Promise<unknown> =>
      run(program, [...before, '-aH', '-e', shell, `--rsync-path=${there}`, ...args])
    const to = `${home}/${name.replaceAll(' ', '-')}`
    await copy(`${home}/s/`, `${at}/${name.replaceAll(' ', '-')}/`)
    t.same(same(`${home}/s/`, `${to}/`), '', `push: ${name}`)
    await copy(`${at}/s/two words/it's $HOME`, `${to}-one`)
    t.equal(readFileSync(`${to}-one`, 'utf8'), 'quoted', `a name with spaces: ${name}`)
    await copy(`${at}/s/`, `${to}-pulled/`)
    t.same(same(`${home}/s/`, `${to}-pulled/`), '', `pull: ${name}`)
  }

  writeFileSync(`${home}/large`, '')
  truncateSync(`${home}/large`, 2 ** 33)
  mkdirSync(`${home}/cut`)
  const words = [PROGRAM, '-a', '-v', '--progress', '-e', shell, `--rsync-path=${ours}`]
  const pull = spawn(process.execPath, [...words, `${at}/large`, `${home}/cut/`])
  // It has begun once it says how far it is.
  await new Promise<void>((resolve) => {
    pull.stdout.on('data', (text: Buffer) => {
      if (text.includes('%')) resolve()
    })
  })
  pull.kill('SIGINT')
  const status = await new Promise((resolve) => pull.once('exit', resolve))
  t.equal(status, 20, 'an interrupt')
  t.same(readdirSync(`${home}/cut`), [], 'leaves nothing')
})
