/** Versions, flags and names: what two ends agree on. */
import t from 'tap'
import { ProtocolError, UnsupportedError } from '../../lib/base/errors.js'
import * as negotiate from '../../lib/wire/negotiate.js'
import { COMPAT } from '../../lib/wire/terms.js'

t.test('the lower protocol of the two, if both know it', async (t) => {
  const { agreeOnProtocol } = negotiate
  t.equal(agreeOnProtocol(32, 32), 32)
  t.equal(agreeOnProtocol(32, 40), 32)
  t.equal(agreeOnProtocol(27, 32), 27)
  t.equal(agreeOnProtocol(32, 27), 27)
  t.throws(() => agreeOnProtocol(32, 26), ProtocolError)
  // "Welc": a shell that greets.
  for (const said of [0, 19, 41, 0x636c6557, -1])
    t.throws(() => agreeOnProtocol(32, said), { message: /is your shell clean/ }, `${said}`)
})

t.test('flags follow the letters of the client', async (t) => {
  const { compatOf } = negotiate
  const always = COMPAT.symlinkTimes | COMPAT.symlinkIconv
  t.equal(compatOf({ capabilities: '', incremental: true }), always)
  t.equal(compatOf({ capabilities: 'iLsfxCIvu', incremental: true }), 0x1ff)
  t.equal(compatOf({ capabilities: 'iLsfxCIvu', incremental: false }), 0x1fe)
  const letters = {
    f: 'safeList',
    x: 'avoidXattrOptimization',
    C: 'seedFix',
    I: 'inplacePartial',
  } as const
  for (const [letter, flag] of Object.entries(letters))
    t.equal(
      compatOf({ capabilities: letter, incremental: false }),
      always | COMPAT[flag as keyof typeof COMPAT],
    )
})

t.test("the client's first that both have", async (t) => {
  const { choose } = negotiate
  const ours = ['xxh64', 'md5', 'md4'] as const
  t.equal(choose(ours, 'sha1 md4 md5', false, 'checksum'), 'md5', 'of a client: its own first')
  t.equal(choose(ours, 'sha1 md4 md5', true, 'checksum'), 'md4', "of a server: the client's first")
  t.equal(choose(ours, 'XXHash', true, 'checksum'), 'xxh64', 'another name of the same')
  t.throws(() => choose(ours, 'sha1 none', true, 'checksum'), UnsupportedError)
  t.throws(() => choose(ours, '', false, 'compress'), { message: /compress choice/ })
})

t.test('--checksum-choice, of transfers and of the list', async (t) => {
  const { chosenSums } = negotiate
  t.equal(chosenSums(null), null)
  t.equal(chosenSums('auto'), null)
  t.same(chosenSums('md5'), ['md5', 'md5'])
  t.same(chosenSums('none,xxhash'), ['none', 'xxh64'])
  t.throws(() => chosenSums('md6'), UnsupportedError)
  t.throws(() => chosenSums('md5,'), UnsupportedError)
})

t.test('where nothing was agreed on', async (t) => {
  t.same([27, 29, 30, 32].map(negotiate.usualSum), ['md4-old', 'md4-old', 'md5', 'md5'])
})
