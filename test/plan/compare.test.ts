import t from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import {
  isKeptAsNewer,
  isSameTime,
  type Keeping,
  modeFor,
  passesQuickCheck,
} from '../../lib/plan/compare.js'
import { standingFile } from '../support/standing.js'

const S = 1_000_000_000n
const keeping: Keeping = {
  perms: false,
  executability: false,
  times: true,
  omitDirTimes: false,
  omitLinkTimes: false,
  atimes: false,
  modifyWindow: 0,
  sizeOnly: false,
  ignoreTimes: false,
  umask: 0o022,
  wholeSeconds: false,
  owner: false,
  group: false,
}
const wanted = (size: number, mtimeNs: bigint, mode = 0o644) => ({
  name: byteName('f'),
  stands: standingFile('f', size, mtimeNs),
  mode,
  target: '',
  atimeNs: 0n,
})

t.test('times are equal by the second, within a window, or to the nanosecond', async (t) => {
  const cases: readonly [bigint, bigint, number, boolean][] = [
    [5n * S, 5n * S + 999_999_999n, 0, true],
    [5n * S, 6n * S, 0, false],
    [5n * S, 6n * S, 1, true],
    [5n * S, 7n * S, 1, false],
    [5n * S, 5n * S + 1n, -1, false],
    [-1n, 0n, 0, false],
    [-1n, -S, 0, true],
  ]
  for (const [a, b, window, same] of cases)
    t.equal(isSameTime(a, b, window), same, `${a} ${b} ${window}`)
})

t.test('what -u keeps: by whole seconds, and a window takes in older ones', async (t) => {
  const cases: readonly [bigint, bigint, number, boolean][] = [
    [6n * S, 5n * S, 0, true],
    [5n * S + 1n, 5n * S, 0, false],
    [5n * S, 5n * S, 1, true],
    [5n * S - 1n, 5n * S, 1, false],
    [4n * S, 5n * S, 2, true],
    [3n * S, 5n * S, 2, false],
    [6n * S, 5n * S, -1, false],
    [7n * S, 5n * S, -1, true],
  ]
  for (const [a, b, window, kept] of cases)
    t.equal(isKeptAsNewer(a, b, window), kept, `${a} ${b} ${window}`)
})

t.test('the quick check', async (t) => {
  const seen = standingFile('f', 10, 5n * S)
  t.equal(passesQuickCheck(wanted(10, 5n * S), seen, keeping, false), true)
  t.equal(passesQuickCheck(wanted(11, 5n * S), seen, keeping, false), false)
  t.equal(passesQuickCheck(wanted(10, 6n * S), seen, keeping, false), false)
  t.equal(passesQuickCheck(wanted(10, 6n * S), seen, { ...keeping, sizeOnly: true }, false), true)
  t.equal(
    passesQuickCheck(wanted(10, 5n * S), seen, { ...keeping, ignoreTimes: true }, false),
    false,
  )
  t.equal(passesQuickCheck(wanted(10, 5n * S), seen, keeping, true), null, 'only its sum can tell')
  t.equal(passesQuickCheck(wanted(11, 5n * S), seen, keeping, true), false)
})

t.test('which mode an entry gets', async (t) => {
  const old = { ...standingFile('f'), mode: 0o640 }
  t.equal(modeFor(wanted(1, 0n, 0o4755), null, keeping), 0o755, 'new, without -p')
  t.equal(modeFor(wanted(1, 0n, 0o666), null, keeping), 0o644, 'new, the umask')
  t.equal(modeFor(wanted(1, 0n, 0o777), old, keeping), 0o640, 'not new')
  t.equal(modeFor(wanted(1, 0n, 0o4755), old, { ...keeping, perms: true }), 0o4755)
  const e = { ...keeping, executability: true }
  t.equal(modeFor(wanted(1, 0n, 0o700), old, e), 0o750, '-E: where it can be read')
  t.equal(modeFor(wanted(1, 0n, 0o600), { ...old, mode: 0o755 }, e), 0o644, '-E: taken away')
})
