/** Lists are told to be done in their order, each once nothing of it is under way. */
import t from 'tap'
import { Ledger } from '../../lib/rsync/ledger.js'

t.test('lists that are done', async (t) => {
  let done = 0
  const ledger = new Ledger(() => {
    done++
  })
  ledger.add(1, 2)
  ledger.add(4, 0)
  ledger.add(5, 3)
  ledger.begin(2)
  ledger.passed(1)
  ledger.passed(4)
  ledger.begin(6)
  ledger.passed(5)
  t.equal(done, 0, 'the first waits for its file')
  ledger.begin(0)
  ledger.end(2)
  t.equal(done, 0, "a directory's own number is the one before its list")
  ledger.end(0)
  t.equal(done, 2, 'an empty one goes with it')
  ledger.end(6)
  t.same([done, ledger.isEmpty], [3, true])
})
