import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { byteName, ROOT_NAME } from '../../lib/base/byte-name.js'
import { UsageError } from '../../lib/base/errors.js'
import { type FilterOption, formatRule, parseFilters } from '../../lib/flist/filter.js'
import { directoriesAbove, Filter, type Side } from '../../lib/flist/filter-match.js'
import fc from '../support/properties.js'
import { buildTree, HAS_RSYNC, NO_SOURCE, sentByRsync, sentByUs } from './filter-interop.js'

const RUNS = Number(process.env['FILTER_RUNS'] ?? 60)
const atom = fc.constantFrom(
  'a',
  'b',
  'ab',
  'foo',
  'a.c',
  'b.o',
  '*',
  '**',
  '?',
  '*.o',
  '[ab]',
  '[!a]',
  '[[:alpha:]]',
  'f*',
  '***',
  '\\a',
  'a\\*',
  '[a-c]*',
  '.?',
  'x\\y',
  'a]b',
  '*]*',
  '[]b]',
  '[a',
)
const pattern = fc
  .tuple(
    fc.constantFrom('', '', '/', '**/'),
    fc.array(atom, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('/', '/', ''),
    fc.constantFrom('', '', '/', '/**', '/***', '/*'),
  )
  .map(([start, atoms, joint, end]) => start + atoms.join(joint) + end)
const rule = fc
  .tuple(fc.constantFrom('-', '+', '-', '-!', '+!', 'H', 'S', 'P', '-s', '-r', '-p'), pattern)
  .map(([kind, text]) => `${kind} ${text}`)
const mergeRule = fc.constantFrom(
  ': .rules',
  ':n .rules',
  ':e .rules',
  ':s .rules',
  ':- .words',
  ':C',
  ':+ .words',
  ':nw- .words',
  ':w- .words',
)
const rulesText = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: rule },
    { weight: 1, arbitrary: fc.constant('!') },
    { weight: 1, arbitrary: mergeRule },
  ),
  { maxLength: 5 },
)
const mergeFiles = fc
  .array(fc.tuple(fc.constantFrom('', 'foo/', 'foo/a/', 'd/', 'a/'), rulesText), { maxLength: 3 })
  .map(
    (files) => new Map(files.map(([where, lines]) => [`${where}.rules`, `${lines.join('\n')}\n`])),
  )
const wordFiles = fc
  .array(
    fc.tuple(
      fc.constantFrom('', 'foo/', 'd/'),
      fc.array(pattern, { maxLength: 4 }),
      fc.constantFrom(' ', '\n'),
      fc.constantFrom('.words', '.cvsignore'),
    ),
    { maxLength: 3 },
  )
  .map(
    (files) =>
      new Map(files.map(([where, words, joint, name]) => [where + name, `${words.join(joint)}\n`])),
  )

const skip = HAS_RSYNC ? false : 'needs the Debian package rsync'
t.test('what is sent is what the real rsync sends', { skip }, async (t) => {
  const root = t.testdir()
  const [tree, to] = [`${root}/tree`, `${root}/to`]
  mkdirSync(to)
  let refused = 0
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 5, arbitrary: rule }, { weight: 1, arbitrary: mergeRule }), {
        maxLength: 6,
      }),
      mergeFiles,
      wordFiles,
      (texts, merges, words) => {
        buildTree(tree, new Map([...merges, ...words]))
        const options: FilterOption[] = texts.map((text) => ({ kind: 'filter', text }))
        let theirs: readonly string[] | null = null
        try {
          theirs = sentByRsync(
            tree,
            to,
            texts.map((text) => `--filter=${text}`),
          )
        } catch {
          refused++
        }
        if (theirs === null) {
          assert.throws(() => sentByUs(tree, parseFilters(options, NO_SOURCE)), UsageError)
          return
        }
        const rules = parseFilters(options, NO_SOURCE)
        assert.deepEqual(sentByUs(tree, rules), theirs)
        const again = rules.map((one): FilterOption => ({ kind: 'filter', text: formatRule(one) }))
        assert.deepEqual(parseFilters(again, NO_SOURCE), rules)
      },
    ),
    { numRuns: RUNS },
  )
  t.ok(refused < RUNS / 2, `${refused} refused`)
})

t.test('sides, and --delete-excluded', async (t) => {
  const texts = ['H hidden', 'P safe', '- both', '-sr named', '-p gone', '-x user.*']
  const rules = parseFilters(
    texts.map((text) => ({ kind: 'filter', text })),
    NO_SOURCE,
  )
  const excluded = (side: Side, deleteExcluded: boolean, dying: boolean): string[] => {
    const none = { rootPath: '/', readMerge: () => null }
    const filter = new Filter(rules, { side, deleteExcluded, ...none })
    return ['hidden', 'safe', 'both', 'named', 'gone', 'user.x'].filter((name) =>
      filter.excludes(byteName(name), false, dying),
    )
  }
  t.strictSame(excluded('sender', false, false), ['hidden', 'both', 'named', 'gone'])
  t.strictSame(excluded('sender', true, false), ['hidden', 'both', 'named', 'gone'])
  t.strictSame(excluded('receiver', false, false), ['safe', 'both', 'named', 'gone'])
  t.strictSame(excluded('receiver', false, true), ['safe', 'both', 'named'])
  t.strictSame(excluded('receiver', true, false), ['safe', 'named'])
})

t.test('the root is never left out, and leaving more than was entered is harmless', async (t) => {
  const rules = parseFilters([{ kind: 'filter', text: '- *' }], NO_SOURCE)
  const none = { rootPath: '/', readMerge: () => null }
  const filter = new Filter(rules, { side: 'sender', deleteExcluded: false, ...none })
  filter.leave()
  t.equal(filter.excludes(ROOT_NAME, true), false)
  t.equal(filter.excludes(byteName('a'), true), true)
})

t.test(
  'files of the directories above the root, as the real rsync reads them',
  { skip },
  async (t) => {
    const root = t.testdir({ to: {}, above: { tree: {} } })
    const tree = `${root}/above/tree`
    const texts = [
      '- /tree/a',
      '- /a',
      '- tree/ab',
      '- a.c',
      '- /tree/**o',
      '- /tree/foo/*',
      '+ a\n- /tree/*',
    ]
    for (const text of texts)
      for (const own of ['', '!'])
        for (const rule of [': /.rules', ':n /.rules', ': ../../.rules', ': .rules']) {
          buildTree(tree, new Map(own === '' ? [] : [['foo/.rules', own]]))
          writeFileSync(`${root}/above/.rules`, `${text}\n`)
          writeFileSync(`${root}/.rules`, '- b\n')
          t.strictSame(
            sentByUs(tree, parseFilters([{ kind: 'filter', text: rule }], NO_SOURCE)),
            sentByRsync(tree, `${root}/to`, [`--filter=${rule}`]),
            `${rule}: ${text}, ${own}`,
          )
        }
  },
)

t.test('which directories above the root are looked into', async (t) => {
  const cases: readonly (readonly [file: string, root: string, directories: readonly string[]])[] =
    [
      ['/.f', '/a/b/c', ['/', '/a', '/a/b']],
      ['/a/.f', '/a/b/c', ['/a', '/a/b']],
      ['../.f', '/a/b/c', ['/a/b']],
      ['../../../../.f', '/a/b', ['/', '/a']],
      ['.f', '/a/b', []],
      ['/a/b/.f', '/a/b', []],
      ['/x/.f', '/a/b', []],
      ['/.f', '/', []],
    ]
  for (const [file, rootPath, directories] of cases)
    t.strictSame(directoriesAbove(file, rootPath), directories, `${file} for ${rootPath}`)
})
