import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import { parseStopAfter, parseStopAt } from '../../lib/options/stop-time.js'

const NOW = new Date(2026, 10, 25, 14, 30, 20)

t.test('the next moment that fits', async (t) => {
  const cases: readonly (readonly [string, readonly [number, number, number, number, number]])[] = [
    ['2026-12-31T23:59', [2026, 12, 31, 23, 59]],
    ['26/12/31T1:05', [2026, 12, 31, 1, 5]],
    ['69-1-1', [2069, 1, 1, 0, 0]],
    ['2099-2-30', [2099, 3, 2, 0, 0]],
    ['1-30', [2027, 1, 30, 0, 0]],
    ['11-26', [2026, 11, 26, 0, 0]],
    ['11/25', [2027, 11, 25, 0, 0]],
    ['2-29', [2028, 2, 29, 0, 0]],
    ['1', [2026, 12, 1, 0, 0]],
    ['31', [2026, 12, 31, 0, 0]],
    ['25T15:00', [2026, 11, 25, 15, 0]],
    ['25T14:00', [2026, 12, 25, 14, 0]],
    ['14:31', [2026, 11, 25, 14, 31]],
    ['14:30', [2026, 11, 26, 14, 30]],
    ['T9:00', [2026, 11, 26, 9, 0]],
    [':59', [2026, 11, 25, 14, 59]],
    [':05', [2026, 11, 25, 15, 5]],
  ]
  for (const [text, [year, month, day, hour, minute]] of cases)
    t.equal(
      new Date(parseStopAt(text, NOW)).toString(),
      new Date(year, month - 1, day, hour, minute).toString(),
      text,
    )
})

t.test('what is no time, or is over', async (t) => {
  for (const text of [
    '',
    'x',
    ':60',
    '5:',
    '0',
    '12-0',
    '13-1',
    '32',
    '25:00',
    '+5',
    '2026/11/26T1',
    ' 1:00',
    '1:00:00',
    'T5',
  ])
    t.throws(
      () => parseStopAt(text, NOW),
      new UsageError(`invalid --stop-at format: ${text}`),
      text,
    )
  t.throws(() => parseStopAt('2026-11-25T14:30', NOW), /not in the future/)
  t.throws(() => parseStopAt('1969-1-1', NOW), /not in the future/)
  t.equal(parseStopAfter('2', NOW), NOW.getTime() + 120_000)
  for (const text of ['0', '-1', 'x', '1.5', ''])
    t.throws(() => parseStopAfter(text, NOW), UsageError)
})
