/** A daemon without a log file writes to syslog, as rsync's does: to a socket of ours, in a file system view of its own. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { PROGRAM } from '../support/program.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

/** Another /dev, with no more than programs need. */
const DEV = `mount -t tmpfs none dev
for n in 'null 3' 'zero 5' 'random 8' 'urandom 9'; do set -- $n; mknod -m 666 dev/$1 c 1 $2; done
mkdir dev/shm && mount --bind /dev/shm dev/shm
mount --rbind dev /dev`
/** Is /dev/log while a command runs, and prints what came: fewer lines than its queue has room for. */
const LISTEN = `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un('/dev/log')) or die; chmod 0666, '/dev/log';
system(@ARGV); print "$_\\n" while defined recv(S, $_, 9999, MSG_DONTWAIT)`

const tried = spawnSync('unshare', ['-m', 'perl', '-MSocket', '-e', '1'])
const skip =
  noRsyncAsRoot ||
  (tried.status === 0 ? false : 'needs unshare(1), perl, and to be allowed to mount')

t.test('lines, facility and tag', { skip }, async (t) => {
  const home = t.testdir({ dev: {}, m: { f: 'bytes' } })
  const heard = (
    name: string,
    program: readonly string[],
    settings: string,
    wanted: string,
  ): string[] => {
    mkdirSync(`${home}/${name}`)
    const conf = `${home}/${name}.conf`
    writeFileSync(
      conf,
      `uid = 0\ngid = 0\nuse chroot = no\n${settings}[m]\npath = ${home}/m\ntransfer logging = yes\n`,
    )
    const daemon = `${program.join(' ')} --daemon --config=${conf}`
    const script = `${DEV}\nexec perl -e "$LISTEN" rsync h::m/${wanted} ${name}/`
    const { NODE_OPTIONS: _, ...env } = process.env
    const ran = spawnSync('unshare', ['-m', 'sh', '-ec', script], {
      cwd: home,
      encoding: 'latin1',
      env: { ...env, LISTEN, RSYNC_CONNECT_PROG: daemon },
    })
    t.equal(ran.status, 0, `${name}: ${ran.stderr}`)
    return ran.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) =>
        line
          .replace(/^(<\d+>)\w+ +\d+ [\d:]+ /, '$1')
          .replace(/\[\d+\]:/, ':')
          .replace(/sent \d+ bytes {2}received \d+ bytes/, 'sent')
          .replace(': prsync: ', ': rsync: '),
      )
  }
  const ours = [process.execPath, PROGRAM]
  for (const [name, wanted, settings] of [
    ['plain', 'f', ''],
    ['own', 'f', 'syslog facility = local3\nsyslog tag = mirror\n'],
    // Errors of a session are warnings.
    ['error', 'nothing', ''],
  ] as const) {
    const theirs = heard(`rsync-${name}`, ['rsync'], settings, wanted)
    t.ok(theirs.length > 2)
    if (name === 'error') t.ok(theirs.some((line) => line.startsWith('<28>')))
    t.same(heard(`prsync-${name}`, ours, settings, wanted), theirs, name)
  }
})
