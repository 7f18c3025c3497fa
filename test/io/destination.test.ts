/** New files of a receiver: when they have their mode from the start, and what is known of them. */
import { chmodSync, chownSync, fstatSync, mkdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import { Destination } from '../../lib/io/destination.js'

type Ids = { readonly uid: number | null; readonly gid: number | null }
const ANYBODY: Ids = { uid: null, gid: null }
const me = process.geteuid?.() ?? -1

function open(t: Test, directories: readonly string[]): Destination {
  const at = t.testdir(Object.fromEntries(directories.map((name) => [name, {}])))
  const to = new Destination(at, {
    followsLinks: false,
    staysWithin: true,
    keepsAtime: false,
    trusted: (path) => path,
    root: null,
  })
  t.teardown(() => to.close())
  return to
}
/** Makes a file. @returns the mode it has, and whether all that is told of it is so */
function make(to: Destination, name: string, mode: number, ids: Ids | null): readonly unknown[] {
  const made = to.create(byteName(name), mode, null, ids)
  const { uid, gid, mode: stands } = fstatSync(made.fd)
  to.closeFile(made)
  const isSo =
    made.fresh === null
      ? null
      : made.fresh.uid === uid && made.fresh.gid === gid && made.fresh.mode === (stands & 0o7777)
  return [(stands & 0o777).toString(8), isSo]
}

t.test('the first of a directory is its owner’s alone, others are as they will be', async (t) => {
  const before = process.umask(0o027)
  t.teardown(() => process.umask(before))
  const to = open(t, ['a', 'b'])
  t.same(make(to, 'a/1', 0o666, ANYBODY), ['600', true])
  t.same(make(to, 'a/2', 0o666, ANYBODY), ['640', true], 'but for the umask')
  t.same(make(to, 'a/3', 0o644, { uid: me, gid: null }), ['640', true])
  t.same(make(to, 'a/4', 0o4755, ANYBODY), ['750', true], 'no file runs as somebody yet')
  t.same(make(to, 'b/1', 0o666, ANYBODY), ['600', true], 'another directory')
  t.same(make(to, 'a/5', 0o666, { uid: me + 1, gid: null }), ['600', true])
  t.same(make(to, 'a/6', 0o666, { uid: me + 1, gid: null }), ['600', true], 'nobody else’s')
  t.same(make(to, 'a/7', 0o600, null), ['600', null], 'of whom nothing is known')
})

const notRoot = me === 0 ? false : 'only root has other groups'
t.test('a directory that gives its group on', { skip: notRoot }, async (t) => {
  const to = open(t, [])
  const at = `${to.tree.path}/d`
  mkdirSync(at)
  chownSync(at, 0, 12_345)
  chmodSync(at, 0o2777)
  const [group, mine]: [Ids, Ids] = [
    { uid: 0, gid: 12_345 },
    { uid: 0, gid: 0 },
  ]
  t.same(make(to, 'd/1', 0o644, group), ['600', true])
  t.same(make(to, 'd/2', 0o644, group), ['644', true])
  t.same(make(to, 'd/3', 0o644, mine), ['600', true], 'it is to be another’s')
})
