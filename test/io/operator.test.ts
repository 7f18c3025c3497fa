import { lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FileError } from '../../lib/base/errors.js'
import { kindOfPath, readIfThere, trustedPath } from '../../lib/io/operator.js'

t.test('links of root and our own are followed, those of others are not', async (t) => {
  const home = t.testdir()
  mkdirSync(join(home, 'a/b'), { recursive: true })
  symlinkSync('a', join(home, 'own'))
  symlinkSync(join(home, 'own/b'), join(home, 'far'))
  symlinkSync('../a/../own', join(home, 'a/up'))
  symlinkSync('round', join(home, 'round'))
  t.equal(trustedPath(join(home, 'own/b')), join(home, 'a/b'))
  t.equal(trustedPath(join(home, 'far')), join(home, 'a/b'))
  t.equal(kindOfPath(trustedPath(join(home, 'a/up/b'))), 'directory')
  t.equal(trustedPath(join(home, 'a/new/er')), join(home, 'a/new/er'), 'what is not there')
  t.equal(trustedPath('.'), '.')
  t.throws(() => trustedPath(join(home, 'round')), FileError)
  if (process.geteuid?.() !== 0) return
  symlinkSync('a', join(home, 'theirs'))
  lchownSync(join(home, 'theirs'), 65534, 65534)
  t.throws(() => trustedPath(join(home, 'theirs/b')), FileError, "another user's")
})

t.test('what a path leads to, and what is in it', async (t) => {
  const home = t.testdir()
  writeFileSync(join(home, 'file'), 'text\xff', 'latin1')
  t.equal(kindOfPath(home), 'directory')
  t.equal(kindOfPath(join(home, 'file')), 'other')
  t.equal(kindOfPath(join(home, 'file/x')), 'nothing')
  t.equal(readIfThere(join(home, 'file')), 'text\xff')
  t.equal(readIfThere(join(home, 'none')), null)
  t.equal(readIfThere(home), null)
})
