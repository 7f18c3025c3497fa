/** Rules among a server's own words, as -M sends them. */
import t from 'tap'
import { readServerFilters } from '../../lib/app/sync-filters.js'
import { serverRequest } from '../../lib/options/server-request.js'

function rulesOf(words: readonly string[], mayRead: boolean): readonly unknown[] {
  const { options } = serverRequest(['--server', '--sender', ...words, '.', 'x'], new Date(0))
  return readServerFilters(options, (path) => path, mayRead)
}

t.test(
  'rules of a file count for a remote shell, and a daemon reads none for its clients',
  async (t) => {
    const home = t.testdir({ rules: 'one\ntwo\n', merged: '- one\n' })
    const words = [[`--exclude-from=${home}/rules`], [`--filter=. ${home}/merged`]] as const
    t.equal(rulesOf(words[0], true).length, 2)
    t.equal(rulesOf(words[1], true).length, 1)
    for (const each of words)
      t.throws(() => rulesOf(each, false), { message: /no rules are read from/, exitCode: 1 })
    t.throws(() => rulesOf(['--exclude-from=-'], true), { message: /no rules are read from -/ })
    t.equal(rulesOf(['--exclude=a', '--include=b', '--filter=P c'], false).length, 3)
  },
)
