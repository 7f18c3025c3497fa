import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import { addressOf, rateOf } from '../../lib/cli/values.js'

t.test('addresses', async (t) => {
  const cases: ReadonlyArray<[text: string, host: string, port: number]> = [
    ['0.0.0.0:8730', '0.0.0.0', 8730],
    ['localhost:0', 'localhost', 0],
    [':65535', '0.0.0.0', 65535],
    ['[::1]:80', '::1', 80],
  ]
  for (const [text, host, port] of cases) t.same(addressOf(text), { host, port }, text)
  for (const text of [
    '',
    '8730',
    'host',
    'host:',
    'host:x',
    'host:65536',
    '::1:80',
    '[::1]',
    '[x]:80',
  ])
    t.throws(() => addressOf(text), UsageError, text)
})

t.test('rates: nothing and 0 are no limit', async (t) => {
  t.equal(rateOf(undefined, '--bwlimit'), null)
  t.equal(rateOf('0', '--bwlimit'), null)
  t.equal(rateOf('10m', '--bwlimit'), 10 * 1024 * 1024)
  t.throws(() => rateOf('fast', '--bwlimit'), UsageError)
})
