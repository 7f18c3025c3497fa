/** A directory of the source that goes away while the tree is walked: beside the real rsync. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { PROGRAM } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'

/** The walk waits in `a`, for a file of rules that is a pipe, until `z` is gone. */
const MAKE = `mkdir -p s/a s/z/y d/a d/z/y; mkfifo s/a/.stop; printf '#!/bin/sh\\nshift\\nexec $*\\n' >shell; chmod 755 shell
touch s/a/f s/z/g s/z/y/k d/a/old d/z/old d/z/y/old d/old; find s d -exec touch -d @1500000000 {} +`
const GO = `exec 3>s/a/.stop; rm -r s/z; echo '# none' >&3`
const OURS = `${process.execPath} ${PROGRAM}`

async function stands(cwd: string, program: string, args: readonly string[]): Promise<unknown> {
  spawnSync('sh', ['-ec', `rm -rf *; ${MAKE}`], { cwd })
  const going = spawn('sh', ['-ec', GO], { cwd, stdio: 'ignore' })
  const [command = '', ...words] = [...program.split(' '), ...args]
  const run = spawn(command, words, { cwd, timeout: 20_000 })
  let [out, errors] = ['', '']
  run.stdout.on('data', (bytes: Buffer) => (out += bytes))
  run.stderr.on('data', (bytes: Buffer) => (errors += bytes))
  const [status] = (await once(run, 'close')) as [number | null]
  going.kill()
  const tree = spawnSync('find', ['d'], { cwd, encoding: 'utf8' }).stdout.split('\n').sort()
  return [status, out.split('\n').sort(), errors.match(/\w+ has vanished: .*/g), tree]
}

for (const way of ['local', 'pulled', 'pushed'])
  t.test(way, { skip: noRsync }, async (t) => {
    const home = t.testdir({})
    const ways: Record<string, readonly string[]> = {
      local: ['s/', 'd/'],
      pulled: ['-e', './shell', `h:${home}/s/`, 'd/'],
      pushed: ['-e', './shell', 's/', `h:${home}/d/`],
    }
    for (const options of ['--delete', '--delete-delay', '--delete -n', '']) {
      const words = ['-rlti', '-f:_.stop', ...options.split(' ').filter(Boolean)]
      const run = (program: string): Promise<unknown> =>
        stands(home, program, [...words, `--rsync-path=${program}`, ...(ways[way] ?? [])])
      const theirs = await run('rsync')
      t.match(theirs, [24, [], [/^directory has vanished: ".*z"/]])
      t.same(await run(OURS), theirs, options)
    }
  })
