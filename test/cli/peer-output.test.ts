/** What a server tells its client: as errors, which spoil its status, or as warnings, which do not. */
import t from 'tap'
import { PeerOutput } from '../../lib/cli/peer-output.js'
import { SyncScreen } from '../../lib/cli/sync-screen.js'
import { resolveOptions } from '../../lib/options/resolve.js'
import { parseRsyncLine } from '../../lib/options/rsync-line.js'
import type { Entry } from '../../lib/rsync/request.js'

t.test("a daemon's warnings", async (t) => {
  const options = resolveOptions(parseRsyncLine(['-a']).flags, {}, new Date(0))
  const said: string[] = []
  const logged: string[] = []
  const output = new PeerOutput(options, { name: 'm', root: '/srv/m' }, (line) => logged.push(line))
  output.port = {
    protocol: 32,
    checksum: 'xxh128',
    info: (text) => said.push(`info ${text}`),
    error: (text) => said.push(`error ${text}`),
    warning: (text) => said.push(`warning ${text}`),
    deleted: () => {},
  }
  const events = new SyncScreen(options, null, 'local', output).serverEvents(
    () => output.port,
    true,
  )
  events.vanished('file', '/srv/m/d/f')
  events.noAlternate('link', 'none', 'nothing')
  events.mismatch({ name: 'g' } as Entry, false)
  events.mismatch({ name: 'g' } as Entry, true)
  t.same(said, [
    'warning file has vanished: "d/f" (in m)\n',
    'warning --link-dest arg does not exist: none\n',
    'warning prsync: WARNING: g failed verification -- update discarded (will try again).\n',
    'error prsync: ERROR: g failed verification -- update discarded.\n',
  ])
  t.equal(logged.length, 4)
})
