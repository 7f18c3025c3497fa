/** A name of somebody else's is one question, or none. CVE-2026-53788. */
import t from 'tap'
import { SocketError } from '../../lib/base/errors.js'
import { daemonCalls } from '../../lib/io/libc-daemon.js'
import { openNameConverter } from '../../lib/io/name-converter.js'

const skip = daemonCalls() === null && 'needs koffi'

t.test('a line end in a name asks nothing', { skip }, async (t) => {
  const echo = openNameConverter('while read -r line; do echo "$line"; done', process.env)
  t.equal(echo.ask('usr', 'joe'), 'usr joe')
  t.equal(echo.ask('usr', 'joe\nuid 0'), null)
  t.equal(echo.ask('grp', 'a\0b'), null)
  t.equal(echo.ask('gid', '7'), 'gid 7', 'the next answer is to the next question')
})

t.test('an answer without an end, or none', { skip }, async (t) => {
  t.throws(
    () => openNameConverter('exec yes x | tr -d "\\n"', process.env).ask('uid', '1'),
    SocketError,
  )
  t.throws(() => openNameConverter('exit 1', process.env).ask('uid', '1'), SocketError)
})
