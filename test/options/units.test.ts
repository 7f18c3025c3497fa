import { spawnSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { UsageError } from '../../lib/base/errors.js'
import { formatSize, parseDuration, parseRate, parseSize } from '../../lib/options/units.js'

const SIZES: readonly (readonly [string, number | null])[] = [
  ['0', 0],
  ['1', 1],
  ['7b', 7],
  ['7B', 7],
  ['7bb', 7],
  ['2k', 2048],
  ['2K', 2048],
  ['2kb', 2000],
  ['2KB', 2000],
  ['2kib', 2048],
  ['2KiB', 2048],
  ['1.5m', 1_572_864],
  ['1.55m', 1_625_292],
  ['1.55mb', 1_550_000],
  ['.5k', 512],
  ['5.', 5],
  ['1.9', 1],
  ['1.9b', 1],
  ['1G+1', 1_073_741_825],
  ['1g-1', 1_073_741_823],
  ['2kB+1', 2001],
  ['1+1', 2],
  ['1t', 1_099_511_627_776],
  ['1p', 2 ** 50],
  ['1k+2', null],
  ['0-1', null],
  ['-1', null],
  ['1x', null],
  ['1kbx', null],
  ['1e', null],
  ['9999999999999999999', null],
]

t.test('sizes', async (t) => {
  for (const [text, bytes] of SIZES)
    if (bytes === null) t.throws(() => parseSize(text, '--max-size'), UsageError, text)
    else t.equal(parseSize(text, '--max-size'), bytes, text)
  // rsync takes an empty size for 0, which no script means.
  t.throws(() => parseSize('', '--max-size'), new UsageError('--max-size=: not a size'))
})

const skip =
  spawnSync('rsync', ['--version']).status === 0 ? false : 'needs the Debian package rsync'
t.test('the real rsync reads sizes alike', { skip }, async (t) => {
  const root = t.testdir({ to: {} })
  for (const [text, bytes] of SIZES) {
    if (bytes !== null && bytes > 2 ** 40) continue // no file system has such files
    const from = `${root}/${t.count}`
    mkdirSync(from)
    for (const size of bytes === null ? [0] : [bytes, bytes + 1]) {
      writeFileSync(`${from}/${size}`, '')
      truncateSync(`${from}/${size}`, size)
    }
    const args = ['-rn', '--out-format=%n', `--max-size=${text}`, `${from}/`, `${root}/to/`]
    const run = spawnSync('rsync', args)
    const sent = run.stdout
      .toString()
      .split('\n')
      .filter((name) => /^\d/.test(name))
    t.strictSame(run.status === 0 ? sent : null, bytes === null ? null : [String(bytes)], text)
  }
})

t.test('rates are in KiB, and not too small', async (t) => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['0', 0],
    ['1', 1024],
    ['0.5', 512],
    ['512b', 512],
    ['1.5m', 1_572_864],
    ['2kB', 2000],
    ['0.4', null],
    ['511b', null],
    ['fast', null],
  ]
  for (const [text, bytes] of cases)
    if (bytes === null) t.throws(() => parseRate(text, '--bwlimit'), UsageError, text)
    else t.equal(parseRate(text, '--bwlimit'), bytes, text)
})

t.test('durations', async (t) => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['0', 0],
    ['30s', 30_000],
    ['5m', 300_000],
    ['48h', 172_800_000],
    ['1h30m', 5_400_000],
    ['1.5d', 129_600_000],
    ['2w', 1_209_600_000],
    ['250ms', 250],
    ['5', null],
    ['', null],
    ['5m ', null],
    ['-5m', null],
    ['5y', null],
    ['m', null],
    ['99999999999999w', null],
  ]
  for (const [text, ms] of cases)
    if (ms === null) t.throws(() => parseDuration(text, '--linger'), UsageError, text)
    else t.equal(parseDuration(text, '--linger'), ms, text)
})

t.test('sizes for a person', async (t) => {
  t.equal(formatSize(0), '0')
  t.equal(formatSize(1023), '1023')
  t.equal(formatSize(1536), '1.50K')
  t.equal(formatSize(3 * 2 ** 40), '3.00T')
  t.equal(formatSize(2 ** 60), '1024.00P')
})
