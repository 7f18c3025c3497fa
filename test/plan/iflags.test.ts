import t from 'tap'
import { formatItem, ITEM, isTold } from '../../lib/plan/iflags.js'

t.test('the eleven letters of rsync(1) --itemize-changes', async (t) => {
  const cases: readonly [number, Parameters<typeof formatItem>[1], string][] = [
    [ITEM.transfer | ITEM.isNew, 'file', '>f+++++++++'],
    [ITEM.local | ITEM.isNew, 'directory', 'cd+++++++++'],
    [ITEM.local | ITEM.xname | ITEM.isNew, 'file', 'hf+++++++++'],
    [ITEM.local | ITEM.xname, 'file', 'hf         '],
    [ITEM.transfer | ITEM.size | ITEM.time, 'file', '>f.st......'],
    [ITEM.transfer | ITEM.change | ITEM.time, 'file', '>fc.t......'],
    [ITEM.transfer, 'file', '>f.........'],
    [ITEM.transfer | ITEM.unknown, 'file', '>f?????????'],
    [ITEM.size | ITEM.time, 'symlink', '.L..T......'],
    [ITEM.perms | ITEM.owner | ITEM.group, 'file', '.f...pog...'],
    [ITEM.atime | ITEM.acl | ITEM.xattr, 'file', '.f......uax'],
    [0, 'file', '.f         '],
    [ITEM.local | ITEM.change | ITEM.time, 'symlink', 'cLc.t......'],
    [ITEM.local | ITEM.change, 'block', 'cDc........'],
    [ITEM.local | ITEM.isNew, 'fifo', 'cS+++++++++'],
  ]
  for (const [flags, kind, expected] of cases)
    t.equal(formatItem(flags, kind, false, true), expected)
  t.equal(formatItem(ITEM.transfer | ITEM.time, 'file', false, false), '>f..T......', 'without -t')
  t.equal(
    formatItem(ITEM.transfer | ITEM.isNew, 'file', true, true),
    '<f+++++++++',
    'to another machine',
  )
})

t.test('what is worth a line', async (t) => {
  t.equal(isTold(0), false)
  t.equal(isTold(ITEM.local | ITEM.xname), false)
  t.equal(isTold(ITEM.perms), true)
  t.equal(isTold(ITEM.transfer), true)
})
