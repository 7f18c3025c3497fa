import t from 'tap'
import { UnsupportedError } from '../../lib/base/errors.js'
import {
  betweenCharsets,
  localeCharset,
  openCharset,
  parseCharsets,
} from '../../lib/flist/charset.js'

const bytes = (hex: string): string =>
  Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('latin1')

/** What iconv(1) of the GNU C library says: a set, the bytes there, those of UTF-8. Null: neither way. */
const NAMES: readonly (readonly [string, string, string | null])[] = [
  ['iso-8859-1', 'e9', 'c3 a9'],
  ['ISO8859-1', '61 fc 2f 62', '61 c3 bc 2f 62'],
  ['iso-8859-15', 'a4', 'e2 82 ac'],
  ['cp1252', '80', 'e2 82 ac'],
  ['koi8-r', 'c4', 'd0 b4'],
  ['shift_jis', '93 fa 96 7b', 'e6 97 a5 e6 9c ac'],
  ['euc-jp', 'c6 fc cb dc', 'e6 97 a5 e6 9c ac'],
  ['gb18030', 'd6 d0', 'e4 b8 ad'],
  ['big5', 'a4 a4', 'e4 b8 ad'],
  ['utf-8', 'ef bf bd', 'ef bf bd'],
  ['utf-8', 'ef bb bf 61', 'ef bb bf 61'],
  ['utf-8', 'ff', null],
  ['utf-8', 'c0 af', null],
  ['utf-8', 'ed a0 80', null],
  ['ascii', 'e9', null],
  ['shift_jis', '93', null],
]

t.test('names, both ways', async (t) => {
  for (const [set, there, wire] of NAMES) {
    const charset = openCharset(set, {})
    t.equal(charset.toUtf8(bytes(there)), wire === null ? null : bytes(wire), `${set} ${there}`)
    if (wire !== null) t.equal(charset.fromUtf8(bytes(wire)), bytes(there), `${set} ${wire}`)
  }
  t.equal(openCharset('latin1', {}).fromUtf8(bytes('e2 82 ac')), null, 'a sign it lacks')
  t.equal(openCharset('utf-16le', {}).fromUtf8('a'), null, 'a NUL would end the name')
  t.equal(openCharset('ascii', {}).toUtf8('-a b~'), '-a b~')
})

t.test('from one set to another', async (t) => {
  const convert = betweenCharsets(openCharset('cp1252', {}), openCharset('iso-8859-15', {}))
  t.equal(convert(bytes('80')), bytes('a4'))
  t.equal(convert(bytes('9c')), bytes('bd'))
  t.equal(convert(bytes('81')), null)
})

t.test('what is meant by a name', async (t) => {
  t.same(parseCharsets('utf8,latin1'), { local: 'utf8', remote: 'latin1' })
  t.same(parseCharsets('.'), { local: '.', remote: '.' })
  t.same(parseCharsets('utf8,'), { local: 'utf8', remote: '' })
  t.equal(localeCharset({ LANG: 'de_DE.ISO-8859-15@euro', LC_ALL: '' }), 'ISO-8859-15')
  t.equal(localeCharset({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }), 'ascii')
  t.equal(openCharset('.', { LC_CTYPE: 'x.latin1' }).toUtf8(bytes('e9')), bytes('c3 a9'))
  t.throws(
    () => openCharset('nonsense', {}),
    new UnsupportedError('iconv_open("UTF-8", "nonsense") failed'),
  )
})
