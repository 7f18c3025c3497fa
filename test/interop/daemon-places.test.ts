/** Where a push goes in a daemon's module, and what spoils its status: prsync's daemon beside rsync's, behind chroot and by path. */
import t from 'tap'
import { askDaemon } from '../support/daemon-pair.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

const MODULE = '[w]\npath = HOME/w\nread only = no\n'
const ROOT = 'log file = HOME/log\nuid = root\ngid = root\n'

const GOING = [
  'rsync -av s/a s/z $AT/w/new/',
  'rsync -av --mkpath s/a $AT/w/x/y/z',
  "printf 'a\\nz\\n' > list; rsync -av --mkpath --files-from=list s/ $AT/w/p/q/r/ | grep created",
  'echo f > $H/w/f; rsync -av s/a $AT/w/f/sub',
  'rsync -av s/ $AT/w/f/sub/',
  'rsync -av --mkpath s/a $AT/w/f/sub',
  'rsync -av --mkpath s/a $AT/w/f/sub/x',
]
// What is a warning spoils no status; before protocol 30 it is a line like others. By path rsync tells clients where a module stands.
const WARNED = [
  'rsync -av --link-dest=/none s/a s/z $AT/w/l1/',
  'rsync -av --protocol=29 --link-dest=/none s/a s/z $AT/w/l2/',
]

for (const [name, conf, commands] of [
  ['behind chroot', `${ROOT}${MODULE}`, [...GOING, ...WARNED]],
  ['kept by path', `${ROOT}use chroot = no\n${MODULE}`, GOING],
] as const)
  t.test(`where it goes, ${name}`, { skip: noRsyncAsRoot }, async (t) => {
    const real = await askDaemon('rsync', conf, commands)
    const ours = await askDaemon('prsync', conf, commands)
    for (const [i, told] of real.entries()) t.same(ours[i], told, told.command)
  })
