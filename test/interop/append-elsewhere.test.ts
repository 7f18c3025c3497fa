/** --append where another file than the one that grows is like it: rsync 3.5.0 takes its beginning unseen; ours asks for all. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { PROGRAM } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'

const OURS = `${process.execPath} ${PROGRAM}`
const SHELL = '#!/bin/sh\nshift\nexec $*\n'

for (const server of [OURS, 'rsync'])
  for (const how of [
    '-y',
    '--copy-dest=../other',
    '--link-dest=../other',
    '--compare-dest=../other',
  ])
    t.test(`--append ${how} from ${server}`, { skip: noRsync }, (t) => {
      const [whole, like] = ['a'.repeat(3000), `${'b'.repeat(2000)}c`]
      const home = t.testdir({
        ...{ shell: SHELL, s: { 'file-2.0': whole, grows: whole } },
        ...{ d: { 'file-1.0': like, grows: whole.slice(0, 2000) }, other: { 'file-2.0': like } },
      })
      const from = ['-e', `sh ${home}/shell`, `--rsync-path=${server}`, `h:${home}/s/`]
      const args = [PROGRAM, '-r', '--append', how, ...from, `${home}/d/`]
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      t.equal(status, 0, stderr)
      for (const name of ['file-2.0', 'grows'])
        t.equal(readFileSync(`${home}/d/${name}`, 'utf8'), whole, name)
      t.end()
    })
