import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import { debugLevels, infoLevels, wordsHelp } from '../../lib/options/words.js'
import { noRsync, rsync } from '../support/real-rsync.js'

t.test('levels by -v, and by words behind it', async (t) => {
  t.match(infoLevels(0, []), { nonreg: 1, name: 0, stats: 0 })
  t.match(infoLevels(1, []), { name: 1, del: 1, flist: 1, stats: 1, skip: 0, misc: 1 })
  t.match(infoLevels(2, []), { name: 2, misc: 2, skip: 1, backup: 1 })
  t.match(infoLevels(9, []), infoLevels(2, []))
  t.match(infoLevels(1, ['none', 'name2,PROGRESS9,']), { name: 2, progress: 2, del: 0, nonreg: 0 })
  t.match(infoLevels(0, ['all4']), { name: 2, stats: 3, del: 1 })
  t.throws(() => infoLevels(0, ['nam']), new UsageError('Unknown --info item: "nam"'))
  t.throws(() => infoLevels(0, ['name2x']), UsageError)
  t.throws(() => debugLevels(0, ['flist,foo']), new UsageError('Unknown --debug item: "foo"'))
  t.match(debugLevels(1, ['all9', 'FILTER']), { filter: 1, io: 4, own: 2 })
  t.match(debugLevels(1, []), { filter: 0, flist: 0, del: 0 })
  t.match(debugLevels(2, ['dup0']), { filter: 1, flist: 1, dup: 0, own: 0 })
  t.match(debugLevels(9, []), { hlink: 1, deltasum: 4, io: 0 })
})

t.test(
  'the real rsync has the same words, and brings them at the same -v',
  { skip: noRsync },
  async (t) => {
    for (const option of ['info', 'debug'] as const) {
      const words = (text: string): string[] =>
        [...text.matchAll(/^([A-Z]+)(?: |$)/gm)].map(([, word = '']) => word).sort()
      t.same(words(wordsHelp(option)), words(rsync([`--${option}=help`], '/').stdout), option)
    }
    const levels = (text: string): string[] => text.match(/^\d\) .*$/gm) ?? []
    for (const option of ['info', 'debug'] as const)
      t.same(levels(wordsHelp(option)), levels(rsync([`--${option}=help`], '/').stdout))
  },
)
