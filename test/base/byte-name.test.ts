import assert from 'node:assert/strict'
import t from 'tap'
import {
  baseOf,
  byteName,
  compareNames,
  componentFault,
  directoryOf,
  displayName,
  isWithin,
  joinName,
  nameBytes,
  nameFault,
  nameOfUtf8,
  ROOT_NAME,
} from '../../lib/base/byte-name.js'
import fc from '../support/properties.js'

const GOOD = ['a', 'a/b', '...', '.a', 'a..', '..a/b', '\xff/\x01', ' ', '-', '~', 'n'.repeat(255)]
const BAD: ReadonlyArray<[name: string, says: RegExp]> = [
  ['', /empty/],
  ['/', /absolute/],
  ['/etc/x', /absolute/],
  ['a//b', /empty component/],
  ['a/', /empty component/],
  ['.', /'\.'/],
  ['a/./b', /'\.'/],
  ['..', /'\.\.'/],
  ['a/../../b', /'\.\.'/],
  ['a/..', /'\.\.'/],
  ['a\0b', /NUL/],
  ['n'.repeat(256), /component of 256/],
  ['n/'.repeat(2048), /name of 4096/],
]

t.test('names that may come from outside', async (t) => {
  for (const name of GOOD) t.equal(nameFault(name), null, JSON.stringify(name))
  for (const [name, says] of BAD) t.match(nameFault(name), says, JSON.stringify(name.slice(0, 20)))
  t.match(componentFault('a/b'), /'\/'/)
  t.match(componentFault('..'), /'\.\.'/)
  t.equal(componentFault('a'), null)
})

const anyName = fc
  .array(
    fc
      .uint8Array({ minLength: 1, maxLength: 8 })
      .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll(/[/\0]/g, 'x'))
      .filter((part) => part !== '.' && part !== '..'),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => byteName(parts.join('/')))

t.test('a name is its directory and its last component', async () => {
  fc.assert(
    fc.property(anyName, (name) => {
      assert.equal(nameFault(name), null)
      assert.equal(joinName(directoryOf(name), baseOf(name)), name)
      assert.ok(isWithin(name, directoryOf(name)))
      assert.ok(isWithin(name, ROOT_NAME))
      assert.ok(!isWithin(directoryOf(name), name))
    }),
  )
})

t.test('within is not a matter of the first bytes alone', async (t) => {
  t.notOk(isWithin(byteName('foobar'), byteName('foo')))
  t.ok(isWithin(byteName('foo/bar'), byteName('foo')))
  t.ok(isWithin(byteName('foo'), byteName('foo')))
})

t.test('order is that of the bytes', async () => {
  fc.assert(
    fc.property(anyName, anyName, (a, b) => {
      assert.equal(compareNames(a, b), Math.sign(Buffer.compare(nameBytes(a), nameBytes(b))))
    }),
  )
})

t.test('what a terminal sees', async (t) => {
  const cases: ReadonlyArray<[bytes: string, shown: string]> = [
    ['plain', 'plain'],
    ['\xc3\xa4', 'ä'],
    ['\xe4', '\\#344'],
    ['\x1b[31m', '\\#033[31m'],
    ['a\nb', 'a\\#012b'],
    ['tab\there', 'tab\there'],
    ['\xc2\x9b', '\\#302\\#233'],
  ]
  for (const [bytes, shown] of cases) t.equal(displayName(bytes), shown, JSON.stringify(bytes))
  t.equal(displayName(nameOfUtf8('größe')), 'größe')
})
