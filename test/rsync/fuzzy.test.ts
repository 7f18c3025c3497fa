import t from 'tap'
import { chooseFuzzy } from '../../lib/rsync/fuzzy.js'
import { standingFile } from '../support/standing.js'

t.test('which file a new one may come from', async (t) => {
  const here = [
    standingFile('foo_1.2-1_amd64.deb', 10),
    standingFile('bar_1.2-1_amd64.deb', 11),
    standingFile('empty_9', 0),
    standingFile('quite-another', 500, 7n),
  ]
  t.equal(chooseFuzzy('foo_1.2-2_amd64.deb', 99, 0n, here)?.base, 'foo_1.2-1_amd64.deb')
  t.equal(chooseFuzzy('renamed', 500, 7n, here)?.base, 'quite-another', 'same size and time')
  t.equal(chooseFuzzy('xyz', 3, 0n, here), null, 'nothing like it')
  t.equal(chooseFuzzy('empty_8', 3, 0n, here), null, 'an empty file has no blocks')
})
