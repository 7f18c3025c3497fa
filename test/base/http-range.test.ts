/** RFC 9110 §14.1.2 and §14.2, on a file of 1000 bytes. */
import t from 'tap'
import { parseRanges } from '../../lib/base/http-range.js'
import { LIMITS } from '../../lib/base/limits.js'

t.test('what a Range header asks for', async (t) => {
  const cases: [
    header: string | undefined,
    expected: [number, number][] | 'unsatisfiable' | null,
  ][] = [
    [undefined, null],
    ['', null],
    ['bytes=0-0', [[0, 1]]],
    ['bytes=0-', [[0, 1000]]],
    ['bytes=999-', [[999, 1000]]],
    ['bytes=-1', [[999, 1000]]],
    ['bytes=-1000', [[0, 1000]]],
    ['bytes=-99999', [[0, 1000]]],
    ['bytes=500-99999', [[500, 1000]]],
    [' BYTES=1-2 ', [[1, 3]]],
    [
      'bytes=0-1, 5-6 ,10-',
      [
        [0, 2],
        [5, 7],
        [10, 1000],
      ],
    ],
    ['bytes=0-1,2000-', [[0, 2]]],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=1000-,2000-3000', 'unsatisfiable'],
    // Invalid, or against §14.2: as if it were not there.
    ['bytes=2-1', null],
    ['bytes=-', null],
    ['bytes=', null],
    ['bytes=,', null],
    ['bytes=1', null],
    ['bytes=1-2-3', null],
    ['bytes=0x1-2', null],
    ['bytes=1.5-2', null],
    ['items=0-1', null],
    ['bytes=5-9,0-1', null],
    ['bytes=0-9,9-', null],
  ]
  for (const [header, expected] of cases) {
    const parsed = parseRanges(header, 1000)
    const got = Array.isArray(parsed)
      ? (parsed as { start: number; end: number }[]).map(({ start, end }) => [start, end])
      : parsed
    t.same(got, expected, header ?? 'no header')
  }
})

t.test('only so many', async (t) => {
  const asked = (count: number): string =>
    `bytes=${Array.from({ length: count }, (_, i) => `${2 * i}-${2 * i}`).join(',')}`
  t.equal(parseRanges(asked(LIMITS.httpRanges), 1000)?.length, LIMITS.httpRanges)
  t.equal(parseRanges(asked(LIMITS.httpRanges + 1), 1000), null)
})
