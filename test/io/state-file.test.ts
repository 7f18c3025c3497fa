/** State files: replaced whole or not at all. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FileError, StartupError } from '../../lib/base/errors.js'
import { readState, replaceState } from '../../lib/io/state-file.js'

t.test('what was written last is read, by its owner only', async (t) => {
  const folder = t.testdir({})
  const path = join(folder, 'state')
  t.equal(readState(path), null)
  writeFileSync(`${path}.new`, 'what a crash left')
  for (const text of ['one', 'zwei – ü']) {
    replaceState(path, text)
    t.equal(readState(path), text)
  }
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same(readdirSync(folder), ['state'])
})

t.test('where it cannot be written the old one stands', async (t) => {
  const folder = t.testdir({ state: 'old' })
  const path = join(folder, 'state')
  mkdirSync(join(folder, 'state.new'))
  t.throws(() => replaceState(path, 'new'), FileError)
  t.equal(readState(path), 'old')
  t.throws(() => readState(folder), StartupError)
})
