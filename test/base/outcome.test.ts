import t from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import { codeOf, EXIT, messageOf, TrustError, WireError } from '../../lib/base/errors.js'
import { Outcome } from '../../lib/base/outcome.js'

const name = byteName('x')

t.test(
  'what went wrong decides the status: faults before deletions before what vanished',
  async (t) => {
    const outcome = new Outcome()
    t.equal(outcome.exitCode, EXIT.ok)
    outcome.fault(name, 'gone', true)
    t.equal(outcome.exitCode, 24)
    outcome.deletesRefused(1)
    t.equal(outcome.exitCode, 25)
    outcome.fault(name, 'permission denied')
    t.equal(outcome.exitCode, 23)
  },
)

t.test('faults are counted all and kept in part', async (t) => {
  const outcome = new Outcome()
  for (let i = 0; i < 5000; i++) outcome.fault(name, `${i}`)
  t.equal(outcome.faultCount, 5000)
  t.equal(outcome.faults.length, 1000)
})

t.test('errors say their place, their class and their status', async (t) => {
  const error = new WireError('too long', { at: 'page' })
  t.match(error, { name: 'WireError', message: 'page: too long', exitCode: 12 })
  t.equal(new TrustError('x').exitCode, 77)
  t.equal(codeOf(Object.assign(new Error('x'), { code: 'ENOENT' })), 'ENOENT')
  t.equal(codeOf(Object.assign(new Error('x'), { code: 7 })), undefined)
  t.equal(codeOf('ENOENT'), undefined)
  t.equal(messageOf('thrown'), 'thrown')
})
