/** `auth users`: what nobody understands lets nobody in. CVE-2026-70463. */
import t from 'tap'
import { authResponse } from '../../lib/hash/auth-digest.js'
import { isStrongEnough, judgeLogin, type LoginAnswer } from '../../lib/rsync/daemon-auth.js'

const SECRETS = 'joe:pw\n@staff:shared\n:empty\n#joe:no\n'

function login(rules: string, user = 'joe', password = 'pw'): LoginAnswer {
  const response = authResponse('sha512', password, 'c')
  return judgeLogin({
    login: { user, response },
    challenge: 'c',
    digest: 'sha512',
    rules,
    secrets: { text: SECRETS },
    groupsOf: (name) => (name === 'ann' ? ['staff'] : []),
  })
}
const OUT = { kind: 'out' }

t.test('the first rule that names a user decides', async (t) => {
  t.match(login('joe'), { kind: 'in', access: null })
  t.match(login('bob:rw, joe:ro'), { kind: 'in', access: 'ro' })
  t.match(login('joe:deny *'), OUT)
  t.match(login('* joe:deny'), { kind: 'in' })
  t.match(login('@staff:rw', 'ann', 'shared'), { kind: 'in', access: 'rw' })
  t.match(login('@staff', 'joe'), OUT, 'not of the group')
  t.match(login('@staff', 'ann', 'pw'), OUT, 'the password of another')
})

t.test('options that are none deny', async (t) => {
  for (const rules of [
    'joe:rx *',
    'joe:ro:rw',
    'joe:RO;rw',
    'joe:den',
    'joe:deny:rw',
    ':rw',
    ':',
    '',
  ])
    t.match(login(rules), OUT, rules)
})

t.test('names that could be a line of the secrets', async (t) => {
  for (const [user, password] of [
    ['', 'empty'],
    ['#joe', 'no'],
    ['@staff', 'shared'],
    ['joe:pw', ''],
  ] as const)
    t.match(login('joe bob', user, password), OUT, user)
  t.match(login('*', '#joe', 'no'), OUT, 'a comment is no secret')
})

t.test('a floor for digests that nobody knows lets nothing through', async (t) => {
  t.ok(isStrongEnough('sha512', 'sha256'))
  t.notOk(isStrongEnough('md5', 'sha256'))
  t.notOk(isStrongEnough('sha512', 'sha3'))
})
