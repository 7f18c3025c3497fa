/** Behind Debian's rrsync, which lets through only words that it knows: what prsync asks a server for is among them. CVE-2026-53783. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { prsync } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'

const skip = noRsync || (existsSync('/usr/bin/rrsync') ? false : 'no rrsync on this machine')

const OPTIONS = [
  '-a',
  '-aHAX --delete',
  '-avz --stats',
  '-aR',
  '-a --inplace --bwlimit=1000',
  '-a --iconv=utf8,latin1',
  '-a --backup --backup-dir=bk',
  '-aF --delete-after',
  '-ac --checksum-choice=md5',
  '-aM--fake-super',
  '-aS --preallocate',
  '-ax --no-inc-recursive',
  '-aU --open-noatime',
  '-a --usermap=*:nobody --timeout=20',
]

t.test('pushes and pulls', { skip }, async (t) => {
  const home = t.testdir({ area: { sub: { f: 'there' } }, in: { g: 'here' } })
  writeFileSync(
    `${home}/rsh`,
    `#!/bin/sh\nshift\nSSH_ORIGINAL_COMMAND="$*" exec rrsync $RR ${home}/area\n`,
    { mode: 0o700 },
  )
  const run = (options: string, from: string, to: string, restricted = '') =>
    prsync([...options.split(' '), '-e', `${home}/rsh`, from, to], { RR: restricted })
  for (const options of OPTIONS) {
    const inner = options.includes('R') ? `${home}/./` : `${home}/`
    const pushed = await run(options, `${inner}in/`, 'h:new/')
    t.same([pushed.status, pushed.stderr], [0, ''], `${options}, a push`)
    const at = options.includes('R') ? 'new/in/g' : 'new/g'
    t.equal(readFileSync(`${home}/area/${at}`, 'utf8'), 'here')
    mkdirSync(`${home}/got`)
    const pulled = await run(options, 'h:sub/', `${home}/got/`)
    t.same([pulled.status, pulled.stderr], [0, ''], `${options}, a pull`)
    for (const name of ['got', 'area/new']) rmSync(`${home}/${name}`, { recursive: true })
  }
  const refused = await run('-a', `${home}/in/`, 'h:new/', '-ro')
  t.not(refused.status, 0)
  t.match(refused.stderr, /rrsync/)
  const outside = await run('-a', 'h:../in/g', `${home}/got/`)
  t.not(outside.status, 0, 'what is outside of its directory')
  t.notOk(existsSync(`${home}/got`) && readdirSync(`${home}/got`).length > 0)
})
