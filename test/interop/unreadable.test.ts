/** Files that the sender may not read: what else there is comes, it is said, and the connection ends. Beside the real rsync. */
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import t from 'tap'
import { PROGRAM } from '../support/program.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

/** A remote shell that takes from root the right to read everything. */
const SHELL = '#!/bin/sh\nshift\nexec setpriv --bounding-set -dac_override,-dac_read_search -- $*\n'
const OURS = `${process.execPath} ${PROGRAM}`

for (const protocol of [27, 29, 30, 31, 32])
  for (const sources of ['s/', 's/z', 's/a s/z'])
    t.test(`of ${sources} by protocol ${protocol}`, { skip: noRsyncAsRoot }, (t) => {
      const home = t.testdir({ s: { a: 'a', z: 'z' }, shell: SHELL })
      for (const path of [home, `${home}/s`, `${home}/shell`]) chmodSync(path, 0o755)
      chmodSync(`${home}/s/z`, 0)
      const froms = sources.split(' ').map((one, i) => `${i === 0 ? 'h' : ''}:${home}/${one}`)
      const stands = ([to, from]: readonly [string, string]): unknown => {
        const call = [
          '-ai',
          `--protocol=${protocol}`,
          '-e',
          `${home}/shell`,
          `--rsync-path=${from}`,
        ]
        const [program = '', ...words] = to.split(' ')
        spawnSync('rm', ['-rf', `${home}/d`])
        const options = { encoding: 'latin1', timeout: 30_000 } as const
        const ran = spawnSync(program, [...words, ...call, ...froms, `${home}/d/`], options)
        const tree = spawnSync('find', ['.', '-printf', '%P %s %m\n'], { cwd: `${home}/d` })
        const told = /send_files failed to open .*z/.test(ran.stderr)
        return [ran.status, ran.stdout, told, tree.stdout.toString().split('\n').sort()]
      }
      const theirs = stands(['rsync', 'rsync'])
      t.match(theirs, [23])
      for (const pair of [
        [OURS, 'rsync'],
        ['rsync', OURS],
        [OURS, OURS],
      ] as const)
        t.same(stands(pair), theirs, pair.join(' from '))
      t.end()
    })
