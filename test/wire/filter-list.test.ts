import t from 'tap'
import { Cursor, Underflow, Writer } from '../../lib/base/bytes.js'
import { EXIT, ProtocolError, WireError } from '../../lib/base/errors.js'
import { C_RULES, type FilterRule, formatRule, parseFilters } from '../../lib/flist/filter.js'
import {
  type FilterExchange,
  hasFilterList,
  readFilterList,
  rulesForPeer,
  writeFilterList,
} from '../../lib/wire/filter-list.js'

const NO_FILES = { read: () => '', cvsIgnore: [] }
function rulesOf(...texts: string[]): readonly FilterRule[] {
  return parseFilters(
    texts.map((text) => ({ kind: 'filter', text })),
    NO_FILES,
  )
}
const PUSH: FilterExchange = {
  protocol: 32,
  isPush: true,
  deletes: true,
  deleteExcluded: false,
  pruneEmptyDirs: false,
}
const PULL = { ...PUSH, isPush: false }

function written(rules: readonly FilterRule[], protocol: number): Uint8Array {
  const w = new Writer()
  writeFilterList(w, rules, protocol)
  return w.done()
}
function textsOf(bytes: Uint8Array): string[] {
  const c = new Cursor(bytes)
  const texts: string[] = []
  for (let length = c.i32le(); length !== 0; length = c.i32le()) texts.push(c.latin1(length))
  return texts
}
function sent(...texts: string[]): Uint8Array {
  const w = new Writer()
  for (const text of texts) {
    w.i32le(text.length)
    w.latin1(text)
  }
  w.i32le(0)
  return w.done()
}

t.test('what is written is read', async (t) => {
  const rules = rulesOf(
    '- a b',
    '+ *.x',
    '-! /c/',
    '-/ /etc',
    ':n- .rules',
    ':e w',
    ':C',
    '-s foo',
    '+rp bar',
    '-x user.*',
    '- ****',
    '- _',
  )
  for (const protocol of [30, 32]) {
    const bytes = written(rules, protocol)
    t.same(readFilterList(new Cursor(bytes), protocol), rules)
    for (let end = 0; end < bytes.length; end++)
      t.throws(() => readFilterList(new Cursor(bytes.subarray(0, end)), protocol), Underflow)
  }
  t.same(
    textsOf(written(rulesOf('-p x', ':p y'), 29)),
    ['- x', ': y'],
    'perishable is a word of protocol 30',
  )
})

t.test('old protocols know include and exclude', async (t) => {
  const rules = rulesOf('- a', '+ b', '- - c', '- + d', '- !', '-p e')
  const bytes = written(rules, 28)
  t.same(textsOf(bytes), ['a', '+ b', '- - c', '- + d', '- !', 'e'])
  t.same(readFilterList(new Cursor(bytes), 28).map(formatRule), [
    '- a',
    '+ b',
    '- - c',
    '- + d',
    '- !',
    '- e',
  ])
  for (const text of [': x', '-s x', '-r x', '-! x', '-/ x', '-x x'])
    t.throws(() => written(rulesOf(text), 28), ProtocolError, text)
  t.equal(new ProtocolError('').exitCode, EXIT.protocol)
})

t.test('which rules go to the other side', async (t) => {
  const rules = rulesOf('- both', '-s sender', '-r receiver', '-sr said', ':s merge')
  const cvs = rulesOf(...C_RULES)
  const names = (how: FilterExchange, cvs: readonly FilterRule[] = []): string[] =>
    rulesForPeer(rules, cvs, how).map(formatRule)
  t.same(names(PUSH), ['- both', '-r receiver', '-sr said'])
  t.same(names(PULL), ['- both', '-s sender', '-sr said', ':s merge'])
  t.same(names({ ...PUSH, deleteExcluded: true }), ['-r receiver', '-sr said'])
  t.same(names({ ...PULL, deleteExcluded: true }), ['- both', '-s sender', '-sr said', ':s merge'])
  t.equal(names(PUSH, cvs).length, 3 + cvs.length, '-C goes along')
  t.equal(names(PULL, cvs).length, 4, 'a server that sends adds it itself')
  t.equal(names({ ...PUSH, protocol: 28 }, cvs).length, 3 + cvs.length - 1, 'and one of old its :C')
})

t.test('when a list is sent', async (t) => {
  t.ok(hasFilterList(PUSH))
  t.ok(hasFilterList({ ...PULL, deletes: false }))
  t.notOk(hasFilterList({ ...PUSH, deletes: false }))
  t.ok(hasFilterList({ ...PUSH, deletes: false, pruneEmptyDirs: true }))
  t.ok(hasFilterList({ ...PUSH, deleteExcluded: true }))
  t.notOk(hasFilterList({ ...PUSH, deleteExcluded: true, protocol: 28 }))
})

t.test('what is refused', async (t) => {
  const refused = (bytes: Uint8Array, what: string): void => {
    t.throws(() => readFilterList(new Cursor(bytes), 32), WireError, what)
  }
  refused(sent('. /etc/passwd'), 'a file of the server')
  refused(sent('- a\0b'), 'a NUL byte')
  refused(sent('x'), 'no rule')
  refused(sent('x'.repeat(5120)), 'too long')
  refused(Uint8Array.of(0xff, 0xff, 0xff, 0xff), 'a length below nothing')
  t.same(readFilterList(new Cursor(sent('- a', '!', '- b')), 32).map(formatRule), ['- b'])
})
