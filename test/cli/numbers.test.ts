import t from 'tap'
import { formatFraction, formatNumber } from '../../lib/cli/numbers.js'
import { progressLine } from '../../lib/cli/progress-line.js'

t.test('numbers at each level of -h', async (t) => {
  const cases: readonly (readonly [number, string, string, string, string])[] = [
    [0, '0', '0', '0', '0'],
    [999, '999', '999', '999', '999'],
    [1000, '1000', '1,000', '1.00K', '1,000'],
    [4096, '4096', '4,096', '4.10K', '4.00K'],
    [3_000_000, '3000000', '3,000,000', '3.00M', '2.86M'],
    [5e15, '5000000000000000', '5,000,000,000,000,000', '5.00P', '4.44P'],
  ]
  for (const [value, ...texts] of cases)
    for (const [level, text] of texts.entries()) t.equal(formatNumber(value, level), text)
  t.equal(formatFraction(6_002_318, 1), '6,002,318.00')
  t.equal(formatFraction(6_002_318, 0), '6002318.00')
  t.equal(formatFraction(6_002_318, 3), '5.72M')
})

t.test('lines of progress', async (t) => {
  const file = { level: 1, end: null }
  t.equal(
    progressLine({ ...file, done: 32_768, size: 3_000_000, seconds: 0.001 }),
    '         32,768   1%   31.25MB/s    0:00:00  ',
  )
  t.equal(
    progressLine({ ...file, done: 10, size: 100_000, seconds: 1 }),
    '             10   0%    0.01kB/s    2:46:39  ',
  )
  t.equal(
    progressLine({
      done: 3,
      size: 3,
      seconds: 61,
      level: 0,
      end: { files: 1, left: 5, listed: 7 },
    }),
    '              3 100%    0.00kB/s    0:01:01 (xfr#1, to-chk=5/7)',
  )
  t.equal(
    progressLine({ ...file, done: 0, size: 0, seconds: 0 }),
    '              0 100%    0.00kB/s    0:00:00  ',
  )
})
