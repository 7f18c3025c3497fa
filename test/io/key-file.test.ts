import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { hexOf } from '../../lib/base/bytes.js'
import { StartupError } from '../../lib/base/errors.js'
import { openKeyFile } from '../../lib/io/key-file.js'

t.test('made once, for its owner only, and the same from then on', async (t) => {
  const path = `${t.testdir({})}/state/prsync/key`
  const first = openKeyFile(path)
  t.equal(first.made, true)
  t.equal(first.seed.length, 32)
  t.equal(statSync(path).mode & 0o777, 0o600)
  const again = openKeyFile(path)
  t.equal(again.made, false)
  t.equal(hexOf(again.seed), hexOf(first.seed))
})

t.test('what is no key is not overwritten', async (t) => {
  const path = `${t.testdir({})}/key`
  for (const text of ['', 'secret\n', 'ab'.repeat(31), 'AB'.repeat(32)]) {
    writeFileSync(path, text)
    t.throws(() => openKeyFile(path), StartupError, JSON.stringify(text))
    t.equal(readFileSync(path, 'utf8'), text)
  }
})

t.test('two centres do not get the same key', async (t) => {
  const folder = t.testdir({})
  t.not(hexOf(openKeyFile(`${folder}/a`).seed), hexOf(openKeyFile(`${folder}/b`).seed))
})

t.test('a place that cannot be used says so', async (t) => {
  const folder = t.testdir({ file: '' })
  t.throws(() => openKeyFile(`${folder}/file/key`), StartupError)
  chmodSync(folder, 0o755)
})
