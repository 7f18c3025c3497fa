/** --iconv between two directories, beside the real rsync: the same names, lines and exit status. */
import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import t from 'tap'
import { PROGRAM } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const NAMES = ['plain', 'caf\xc3\xa9', 'euro\xe2\x82\xac', 'bad\xff', 'd/\xc3\xbc', 'lost\xff/in']

function fill(home: string): void {
  mkdirSync(`${home}/s/d`, { recursive: true })
  mkdirSync(bytes(`${home}/s/lost\xff`))
  for (const name of NAMES) writeFileSync(bytes(`${home}/s/${name}`), name)
  symlinkSync(bytes('z\xc3\xbc'), bytes(`${home}/s/link`))
  symlinkSync(bytes('z\xff'), bytes(`${home}/s/badlink`))
  mkdirSync(`${home}/d`)
  for (const name of ['extra', 'caf\xe9', 'no\xe9']) {
    writeFileSync(bytes(`${home}/d/${name}`), 'old')
    // Older than the source, whichever second it is.
    utimesSync(bytes(`${home}/d/${name}`), 1e9, 1e9)
  }
  utimesSync(`${home}/d`, 1e9, 1e9)
}

const LINES = [
  '-ai --iconv=utf-8,iso-8859-1 s/ d',
  '-ai --delete --iconv=utf-8,iso-8859-1 s/ d',
  '-ai --delete --iconv=utf-8,iso-8859-1 --exclude=bad* --exclude=lost* --exclude=badlink --exclude=euro* s/ d',
  '-aib --backup-dir=../kept --no-whole-file --iconv=utf-8,iso-8859-1 s/ d',
  '-ai --inplace --iconv=utf-8,cp1252 s/ d',
  '-aiH --delay-updates --iconv=utf-8 s/ d',
  '-ai --iconv=. s/ d',
  '-ai --iconv=- s/ d',
  '-ai --iconv=utf-8,latin1 s/plain caf\xe9',
  '-ai --iconv=utf-8,nonsense s/ d',
]

t.test('the same as the real rsync', { skip: noRsync }, async (t) => {
  for (const line of LINES) {
    const [theirs, ours] = [['rsync'], [process.execPath, PROGRAM]].map(
      ([program = '', ...before]) => {
        const home = t.testdir({})
        fill(home)
        const ran = spawnSync(program, [...before, ...line.split(' ')], {
          cwd: home,
          encoding: 'latin1',
          env: { ...process.env, LC_ALL: 'C.UTF-8' },
        })
        const said = `${ran.stdout}\n${ran.stderr}`
          .split('\n')
          // What ends a run is told in other words.
          .filter((text) => !/^(rs|prs)ync error|^rsync: connection|^$/.test(text))
          .map((text) => text.replace(/^prsync: /, '').replace('\u20ac', ''))
          .sort()
        const found = readdirSync(home, { recursive: true, encoding: 'latin1' }).sort()
        const link = found.includes('d/link') ? readlinkSync(`${home}/d/link`, 'latin1') : null
        return { said, found, link, isGood: ran.status === 0 || ran.status === 23 }
      },
    )
    t.same(ours?.found, theirs?.found, line)
    t.equal(ours?.link, theirs?.link, line)
    t.equal(ours?.isGood, theirs?.isGood, line)
    t.same(
      ours?.said.filter((text) => !text.includes('euro')),
      theirs?.said.filter((text) => !text.includes('euro')),
      line,
    )
  }
})
