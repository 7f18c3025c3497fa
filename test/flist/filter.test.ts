import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import {
  C_RULES,
  F_RULES,
  type FilterOption,
  formatRule,
  parseFilters,
} from '../../lib/flist/filter.js'
import fc from '../support/properties.js'
import { buildTree, HAS_RSYNC, NO_SOURCE, sentByRsync, sentByUs } from './filter-interop.js'

const filters = (...texts: string[]): FilterOption[] =>
  texts.map((text) => ({ kind: 'filter', text }))
const formatted = (...texts: string[]): string[] =>
  parseFilters(filters(...texts), NO_SOURCE).map(formatRule)

// The text of each rule as it goes over the wire; null: refused, by the real rsync too.
const RULES: readonly (readonly [string, string | null])[] = [
  ['- *.o', '- *.o'],
  ['-_*.o', '- *.o'],
  ['-,_*.o', '- *.o'],
  ['+ foo/', '+ foo/'],
  ['exclude *.o', '- *.o'],
  ['exclude,!p *.o', '-!p *.o'],
  ['include_a b', '+ a b'],
  ['hide x', '-s x'],
  ['H x', '-s x'],
  ['Hp x', '-sp x'],
  ['show x', '+s x'],
  ['S,/ x', '+/s x'],
  ['protect x', '-r x'],
  ['P x', '-r x'],
  ['risk x', '+r x'],
  ['R x', '+r x'],
  ['-sr x', '-sr x'],
  ['-x user.*', '-x user.*'],
  ['-/ /etc/passwd', '-/ /etc/passwd'],
  ['-  x', '-  x'],
  ['- x ', '- x '],
  ['- _x', '- _x'],
  [': .rules', ': .rules'],
  ['dir-merge .rules', ': .rules'],
  ['dir-merge,n- .rules', ':n- .rules'],
  [':n-e .rules', ':n-e .rules'],
  [':C', ':C .cvsignore'],
  [':sC', ':Cs .cvsignore'],
  [':w+ .words', ':w+ .words'],
  [':/p .rules', ':/p .rules'],
  ['- ', null],
  ['-', null],
  ['foo', null],
  ['-q x', null],
  ['-n x', null],
  ['-e x', null],
  [':! .rules', null],
  [':+- .rules', null],
  [':-C .rules', null],
  [':C- .rules', null],
  [':-- .rules', null],
  [':+e+ .rules', null],
  ['! ', null],
  ['clear_', null],
  [':', null],
  ['! x', null],
  ['!s', null],
  ['Hs x', null],
  ['Pr x', null],
  ['excludes x', null],
  ['exclude', null],
  ['merge', null],
]

t.test('rules and what goes over the wire', async (t) => {
  for (const [text, wire] of RULES)
    if (wire === null) t.throws(() => formatted(text), UsageError, `'${text}'`)
    else {
      t.strictSame(formatted(text), [wire], `'${text}'`)
      t.strictSame(formatted(wire), [wire], `'${wire}' again`)
    }
})

const skip = HAS_RSYNC ? false : 'needs the Debian package rsync'
t.test('the real rsync takes and refuses the same rules', { skip }, async (t) => {
  const root = t.testdir({ from: {}, to: {} })
  for (const [text, wire] of RULES) {
    const run = spawnSync('rsync', ['-rn', `--filter=${text}`, `${root}/from/`, `${root}/to/`])
    t.equal(run.status === 0, wire !== null, `'${text}': ${run.stderr.toString().split('\n')[0]}`)
  }
})

t.test('! clears what came before', async (t) => {
  t.strictSame(formatted('- a', '!', '- b'), ['- b'])
  t.strictSame(formatted('- a', 'clear', '- b'), ['- b'])
})

t.test('-F and -C', async (t) => {
  t.strictSame(formatted(...F_RULES), [': /.rsync-filter', '- .rsync-filter'])
  const rules = parseFilters(filters(...C_RULES), {
    ...NO_SOURCE,
    cvsIgnore: ['mine *.my', ' ! last'],
  })
  t.equal(rules[0]?.kind, 'dir-merge')
  t.strictSame(rules.map(formatRule), [':C .cvsignore', '-p last'], '! clears the list of -C alone')
  t.strictSame(formatted(''), [])
  const all = parseFilters(filters('-C'), { ...NO_SOURCE, cvsIgnore: ['mine'] }).map(formatRule)
  t.equal(all[0], '-p RCS')
  t.ok(all.includes('-p *.o') && all.includes('-p .git/'))
  t.equal(all[all.length - 1], '-p mine')
})

t.test('merge files: prefixes, defaults, comments, and each other', async (t) => {
  const files = new Map([
    ['plain', '# no\n; no\n\n- a\r\n+ b #x\n'],
    ['patterns', '- a\n#b\nc\n'],
    ['words', '-_foo +_bar\tP_baz\n:n_.x exclude,p_q'],
    ['nested', '. plain\n- z\n'],
    ['clearing', '- y\n!\n- z\n'],
    ['loop', '. loop\n'],
    ['sided', 'H x\n'],
  ])
  const source = { ...NO_SOURCE, read: (file: string) => files.get(file) ?? '' }
  const merged = (...texts: string[]): string[] =>
    parseFilters(filters(...texts), source).map(formatRule)
  t.strictSame(merged('. plain'), ['- a', '+ b #x'])
  t.strictSame(merged('merge,- patterns'), ['- - a', '- c'])
  t.strictSame(merged('.+s patterns'), ['+s - a', '+s c'])
  t.strictSame(merged('.w words'), ['- foo', '+ bar', '-r baz', ':n .x', '-p q'])
  t.strictSame(merged('.p/ nested'), ['-/p a', '+/p b #x', '-/p z'])
  t.strictSame(merged('.e nested'), ['- nested', '- a', '+ b #x', '- z'])
  t.strictSame(merged('- a', '. clearing'), ['- z'])
  t.throws(() => merged('. loop'), UsageError)
  t.throws(() => merged('.s sided'), UsageError)
})

t.test('the same merge file, read by the real rsync', { skip }, async (t) => {
  const root = t.testdir({ to: {} })
  buildTree(`${root}/tree`, new Map())
  const texts: readonly (readonly [modifiers: string, text: string])[] = [
    ['', '# no\n; no\n\n- a\r\n+ b #x\n- *.c'],
    ['', '-! a*\n'],
    ['-', 'a\n#b\nfoo/**\n'],
    ['w', '-_foo +_bar\t-_a.c\nexclude_ab -_b.o'],
    ['-w', 'foo + - a.c'],
    ['C', 'foo ! a.c'],
    ['', '- a\n!\n- b\n'],
    ['', 'exclude ab\n- a  \n'],
    ['+', 'a\n'],
  ]
  for (const [modifiers, text] of texts) {
    const file = `${root}/rules`
    writeFileSync(file, text)
    const option = `.${modifiers} ${file}`
    const source = { ...NO_SOURCE, read: () => text }
    t.strictSame(
      sentByUs(`${root}/tree`, parseFilters(filters(option), source)),
      sentByRsync(`${root}/tree`, `${root}/to`, [`--filter=${option}`]),
      JSON.stringify(text),
    )
  }
})

t.test('--include, --exclude and their files, read by the real rsync', { skip }, async (t) => {
  const root = t.testdir({ to: {} })
  mkdirSync(`${root}/work`)
  buildTree(`${root}/tree`, new Map())
  const cases: readonly (readonly FilterOption[])[] = [
    [{ kind: 'exclude', text: 'a' }],
    [
      { kind: 'exclude', text: '+ a' },
      { kind: 'exclude', text: 'a*' },
    ],
    [{ kind: 'include', text: '- a' }],
    [
      { kind: 'include', text: '*/' },
      { kind: 'include', text: '*.c' },
      { kind: 'exclude', text: '*' },
    ],
    [
      { kind: 'exclude', text: 'a' },
      { kind: 'exclude', text: '!' },
    ],
    [{ kind: 'exclude-from', text: '# a\n; b\n- a\n\n+ ab\na*\n', nul: false }],
    [{ kind: 'include-from', text: 'a\n- a*\r\n', nul: false }],
    [{ kind: 'exclude-from', text: 'a.c\nfoo\0b.o\0#x', nul: true }],
    [
      { kind: 'exclude', text: '# a' },
      { kind: 'filter', text: '- b' },
    ],
    [{ kind: 'filter', text: `-/ ${root}/tree/a` }],
    [
      { kind: 'filter', text: '-/ tree/foo/a*' },
      { kind: 'filter', text: '-C' },
    ],
    [{ kind: 'filter', text: '-! */' }],
  ]
  for (const options of cases) {
    const args = options.flatMap((option, i) => {
      const file = `${root}/work/${i}`
      if ('nul' in option) writeFileSync(file, option.text)
      return 'nul' in option
        ? [...(option.nul ? ['--from0'] : []), `--${option.kind}=${file}`]
        : [`--${option.kind}=${option.text}`]
    })
    t.strictSame(
      sentByUs(`${root}/tree`, parseFilters(options, NO_SOURCE)),
      sentByRsync(`${root}/tree`, `${root}/to`, args),
      JSON.stringify(options),
    )
  }
})

t.test('any text is rules or a UsageError, and rules survive the wire', async () => {
  const piece = fc.constantFrom(
    '-',
    '+',
    ':',
    '.',
    '!',
    'P',
    'C',
    'n',
    's',
    'x',
    ' ',
    '_',
    ',',
    '/',
    '*',
    'exclude',
    '\n',
    '[',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const source = { ...NO_SOURCE, read: () => pieces.slice(4).join('') }
      try {
        const rules = parseFilters(filters(pieces.join('')), source)
        const plain = rules.map((rule) => ({ ...rule, origin: undefined }))
        const again = parseFilters(filters(...rules.map(formatRule)), source)
        assert.deepEqual(
          again.map((rule) => ({ ...rule, origin: undefined })),
          plain,
        )
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
      }
    }),
    { numRuns: 2000 },
  )
})
