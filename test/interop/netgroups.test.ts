/** `hosts allow = @netgroup` of a daemon beside rsync's, with databases of the test's own in a file system view of its own. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { PROGRAM } from '../support/program.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

const tried = spawnSync('unshare', ['-m', 'true'])
const skip =
  noRsyncAsRoot || (tried.status === 0 ? false : 'needs unshare(1), and to be allowed to mount')

const RULES = ['allow = @here', 'allow = @there', 'deny = @here', 'deny = @there', 'allow = @none']
/** Another /etc, with what names of hosts and groups take. */
const ETC = `cp /etc/hosts /etc/passwd /etc/group etc
printf 'passwd: files\\ngroup: files\\nhosts: files\\nnetgroup: files\\n' >etc/nsswitch.conf
printf 'here (localhost,,)\\nthere (other,,)\\n' >etc/netgroup
mount --bind etc /etc`

t.test('a host is in a netgroup, or not', { skip }, async (t) => {
  const home = t.testdir({ etc: {}, m: { f: 'bytes' } })
  const modules = RULES.map((rule, i) => `[m${i}]\npath = ${home}/m\nhosts ${rule}\n`)
  writeFileSync(`${home}/conf`, `use chroot = no\nuid = 0\ngid = 0\n${modules.join('')}`)
  const ask = RULES.map((_, i) => `rsync --no-motd h::m${i}/f 2>&1 | head -1 | cut -c1-30`).join(
    '\n',
  )
  const said = (program: string): string => {
    const connect = `RSYNC_CONNECT_PROG=${program} --daemon --config=${home}/conf`
    const env = ['-i', `PATH=${process.env['PATH'] ?? ''}`, connect]
    const words = ['-m', 'env', ...env, 'sh', '-ec', `${ETC}\n${ask}`]
    const ran = spawnSync('unshare', words, { cwd: home, encoding: 'latin1' })
    t.equal(ran.status, 0, ran.stderr)
    return ran.stdout
  }
  const theirs = said('rsync')
  t.match(theirs.split('\n'), [/^-rw/, /denied to m1/, /denied to m2/, /^-rw/, /denied to m4/])
  t.equal(said(`${process.execPath} ${PROGRAM}`), theirs)
})
