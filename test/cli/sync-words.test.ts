/** Names as a terminal may see them: what rsync 3.5.0 shows in a UTF-8 locale, but that it lets DEL and what is beyond U+10FFFF through. */
import t from 'tap'
import { escapeName } from '../../lib/cli/sync-words.js'

t.test('what a terminal should not see', async (t) => {
  const rows: readonly (readonly [name: string, shown: string])[] = [
    ['plain name', 'plain name'],
    ['a\x1b[2Jb', 'a\\#033[2Jb'],
    ['a\nb\rc\x7f', 'a\\#012b\\#015c\\#177'],
    ['a\tb', 'a\tb'],
    ['a\\#033', 'a\\#134#033'],
    ['\xc3\xa4', '\xc3\xa4'],
    ['\xf0\x9f\x98\x80', '\xf0\x9f\x98\x80'],
    ['half \xc3', 'half \\#303'],
    ['too long \xe0\x80\xaf', 'too long \\#340\\#200\\#257'],
    ['too long \xc0\xaf', 'too long \\#300\\#257'],
    ['surrogate \xed\xa0\x80', 'surrogate \\#355\\#240\\#200'],
    ['beyond \xf4\x90\x80\x80', 'beyond \\#364\\#220\\#200\\#200'],
  ]
  for (const [name, shown] of rows) t.equal(escapeName(name, false), shown)
  t.equal(escapeName('\xff\x1b', true), '\xff\\#033', '-8: no byte above 127 is escaped')
})
