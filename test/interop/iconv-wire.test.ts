/** --iconv over a connection, beside the real rsync: the same names, lines and exit status, whoever is at which end. */
import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { PROGRAM } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const NAMES = [
  'plain',
  'caf\xc3\xa9',
  'd/\xc3\xbc',
  'dir\xc3\xa9/in',
  'dir\xc3\xa9/\xc3\xa4/deep',
  'bad\xff',
]
const OURS = `${process.execPath} ${PROGRAM}`

function stage(t: Test, names = NAMES): string {
  const home = t.testdir({ s: { d: {} }, d: {} })
  for (const name of names) {
    const slash = name.lastIndexOf('/')
    if (slash > 0) mkdirSync(bytes(`${home}/s/${name.slice(0, slash)}`), { recursive: true })
    writeFileSync(bytes(`${home}/s/${name}`), name)
  }
  symlinkSync(bytes('z\xc3\xbc'), bytes(`${home}/s/link`))
  for (const name of ['extra', 'caf\xe9']) {
    writeFileSync(bytes(`${home}/d/${name}`), 'old')
    utimesSync(bytes(`${home}/d/${name}`), 1e9, 1e9)
  }
  utimesSync(`${home}/s`, 1e9, 1e9)
  writeFileSync(`${home}/rsh`, '#!/bin/sh\nshift\nexec sh -c "$*"\n', { mode: 0o755 })
  return home
}

/** @returns lines, status, and what stands there */
function copy(home: string, client: string, server: string, isPull: boolean, line: string) {
  const [from, to] = isPull ? [`x:${home}/s/`, 'd/'] : ['s/', `x:${home}/d/`]
  const sets = isPull ? 'iso-8859-1,utf-8' : 'utf-8,iso-8859-1'
  writeFileSync(`${home}/names`, `${isPull ? 'caf\xe9' : 'caf\xc3\xa9'}\nplain\n`, 'latin1')
  const args = ['-e', './rsh', `--rsync-path=${server}`, `--iconv=${sets}`, ...line.split(' ')]
  const [program = '', ...before] = client.split(' ')
  const ran = spawnSync(program, [...before, ...args, from, to], {
    cwd: home,
    encoding: 'latin1',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
    timeout: 60_000,
  })
  const said = `${ran.stdout}\n${ran.stderr}`
    .split('\n')
    .map((text) => text.replaceAll(home, 'HOME').replace(/^prsync: /, ''))
    .filter((text) => !/^(rs|prs)ync error|^$/.test(text))
    .sort()
  return { said, status: ran.status, tree: treeOf(`${home}/d`) }
}
function treeOf(top: string, below = ''): string[] {
  return readdirSync(bytes(top + below), { encoding: 'latin1', withFileTypes: true })
    .flatMap((entry) => {
      const name = `${below}/${entry.name}`
      if (entry.isDirectory()) return [name, ...treeOf(top, name)]
      return entry.isSymbolicLink()
        ? `${name} -> ${readlinkSync(bytes(top + name), 'latin1')}`
        : name
    })
    .sort()
}

const LINES = [
  '-ai --delete --no-inc-recursive',
  '-aiH --delete-after -s',
  '-ai --protocol=29',
  '-a --files-from=names -s',
]

t.test('four pairs, both ways', { skip: noRsync }, async (t) => {
  for (const line of LINES)
    for (const isPull of [false, true]) {
      const wanted = copy(stage(t), 'rsync', 'rsync', isPull, line)
      t.ok(
        wanted.tree.some((name) => name.startsWith('/caf\xe9')),
        `${wanted.said}`,
      )
      for (const [client, server] of [
        [OURS, 'rsync'],
        ['rsync', OURS],
        [OURS, OURS],
      ] as const)
        t.same(
          copy(stage(t), client, server, isPull, line),
          wanted,
          `${isPull ? 'pull' : 'push'} ${line} by ${client === OURS ? 'prsync' : 'rsync'} at ${server === OURS ? 'prsync' : 'rsync'}`,
        )
    }
})

t.test(
  'what has no name here is left out, all below it too, and nothing is deleted',
  { skip: noRsync },
  (t) => {
    const lost = ['euro\xe2\x82\xac', 'l\xe2\x82\xac/in', 'l\xe2\x82\xac/sub/deep', 'z/last']
    for (const line of ['-ai --delete', '-ai --delete --no-inc-recursive'])
      for (const server of [OURS, 'rsync']) {
        const home = stage(t, ['a', ...lost])
        const ran = copy(home, OURS, server, true, line)
        t.equal(ran.status, 23)
        t.same(ran.tree, ['/a', '/caf\xe9', '/d', '/extra', '/link -> z\xfc', '/z', '/z/last'])
        t.match(ran.said.join('\n'), /cannot convert filename: euro/)
      }
    t.end()
  },
)
