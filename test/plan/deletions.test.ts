import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type ByteName, byteName, ROOT_NAME } from '../../lib/base/byte-name.js'
import { UsageError } from '../../lib/base/errors.js'
import { parseFilters } from '../../lib/flist/filter.js'
import type { FileKind, Standing } from '../../lib/host.js'
import {
  capDeletions,
  type DeletionPlan,
  deletionsAllowed,
  parseMaxDelete,
  planDeletions,
} from '../../lib/plan/deletions.js'
import { buildTree, filterOf, HAS_RSYNC, NO_SOURCE } from '../flist/filter-interop.js'
import fc from '../support/properties.js'

function standing(base: string, kind: FileKind): Standing {
  const zero = { mode: 0, size: 0, uid: 0, gid: 0, nlink: 1 }
  const none = { mtimeNs: 0n, ctimeNs: 0n, dev: 0n, ino: 0n, rdev: 0n, major: 0, minor: 0 }
  return { base, kind, ...zero, ...none }
}
function list(root: string, directory: ByteName): readonly Standing[] {
  return readdirSync(join(root, directory)).map((base) =>
    standing(base, lstatSync(join(root, directory, base)).isDirectory() ? 'directory' : 'file'),
  )
}
/** What goes when nothing is wanted any more. */
function plan(root: string, rules: readonly string[]): DeletionPlan {
  const parsed = parseFilters(
    rules.map((text) => ({ kind: 'filter', text })),
    NO_SOURCE,
  )
  const filter = filterOf(root, parsed, 'receiver')
  filter.enter(ROOT_NAME)
  return planDeletions(ROOT_NAME, new Set(), filter, (directory) => list(root, directory))
}
const names = (all: DeletionPlan['remove']): string[] => all.map((one) => one.name)

const skip = HAS_RSYNC ? false : 'needs the Debian package rsync'
t.test('what the real rsync deletes, in its order', { skip }, async (t) => {
  const root = t.testdir({ empty: {} })
  const tree = `${root}/tree`
  const rule = fc
    .tuple(
      fc.constantFrom('-', '+', 'P', 'R', '-p', '-r', 'H', '-s', '+r'),
      fc.constantFrom('a', 'foo/', 'a.c', '*.o', 'foo/a/*', '/d/**', '*', 'ab/***', '.x'),
    )
    .map(([kind, pattern]) => `${kind} ${pattern}`)
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof({ weight: 9, arbitrary: rule }, { weight: 1, arbitrary: fc.constant(': .rules') }),
        { maxLength: 4 },
      ),
      fc.option(fc.tuple(fc.constantFrom('', 'foo/'), rule)),
      (rules, merge) => {
        buildTree(tree, new Map(merge === null ? [] : [[`${merge[0]}.rules`, `${merge[1]}\n`]]))
        const ours = plan(tree, rules)
        const args = ['-ri', '--delete', ...rules.map((text) => `--filter=${text}`)]
        const run = spawnSync('rsync', [...args, `${root}/empty/`, `${tree}/`])
        assert.equal(run.status, 0, run.stderr.toString())
        const theirs = run.stdout
          .toString('latin1')
          .split('\n')
          .filter((line) => line.startsWith('*deleting'))
          .map((line) => line.slice('*deleting   '.length).replace(/\/$/, ''))
          .map((name) => name.replace('x\\#134y', 'x\\y'))
        assert.deepEqual(names(ours.remove), theirs)
      },
    ),
    { numRuns: Number(process.env['FILTER_RUNS'] ?? 40) },
  )
})

t.test('wanted names stay, and a directory with something protected', async (t) => {
  const trees: Record<string, readonly Standing[]> = {
    '.': [standing('a', 'file'), standing('b', 'directory'), standing('c', 'directory')],
    b: [standing('keep', 'directory'), standing('x', 'file')],
    'b/keep': [standing('k.o', 'file'), standing('y', 'file')],
    c: [standing('z', 'symlink')],
  }
  const rules = parseFilters([{ kind: 'filter', text: 'P *.o' }], NO_SOURCE)
  const filter = filterOf('/', rules, 'receiver')
  const result = planDeletions(ROOT_NAME, new Set(['c']), filter, (d) => trees[d] ?? null)
  t.strictSame(names(result.remove), ['b/keep/y', 'b/x', 'a'])
  t.strictSame(result.nonEmpty, ['b/keep', 'b'])
  const unread = planDeletions(byteName('b'), new Set(), filter, (d) =>
    d === 'b/keep' ? null : (trees[d] ?? null),
  )
  t.strictSame(names(unread.remove), ['b/x'])
  t.strictSame(unread.nonEmpty, ['b/keep'], 'what cannot be read is not removed')
})

t.test('--max-delete', async (t) => {
  const cases: readonly (readonly [string, standing: number, allowed: number])[] = [
    ['0', 100, 0],
    ['-1', 100, 0],
    ['40000', 100, 40_000],
    ['10%', 1005, 100],
    ['0%', 100, 0],
    ['100%', 7, 7],
  ]
  for (const [text, total, allowed] of cases)
    t.equal(deletionsAllowed(parseMaxDelete(text), total), allowed, text)
  t.equal(deletionsAllowed(null, 3), Number.POSITIVE_INFINITY)
  for (const text of ['', 'x', '5 %', '101%', '1.5', '1e3'])
    t.throws(() => parseMaxDelete(text), UsageError, text)
})

t.test('beyond the limit things stay, with the directories they are in', async (t) => {
  const all = ['d/1', 'd/2', 'd', 'a'].map((name) => ({
    name: byteName(name),
    standing: standing(name, 'file'),
  }))
  t.strictSame(capDeletions(all, 4), { remove: all, refused: [] })
  t.strictSame(names(capDeletions(all, 2).remove), ['d/1', 'd/2'])
  t.strictSame(names(capDeletions(all, 2).refused), ['d', 'a'])
  t.strictSame(names(capDeletions(all, 0).remove), [])
})
