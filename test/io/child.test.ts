import t from 'tap'
import { together } from '../../lib/base/together.js'
import { linkToChild, linkToSocketProgram } from '../../lib/io/child.js'
import { isSocket } from '../../lib/io/stdio-link.js'

const never = new AbortController().signal
const MODULE = new URL('../../lib/io/stdio-link.js', import.meta.url).href
const ECHO = `
  const { stdioLink, socketLink, isSocket } = await import('${MODULE}')
  const link = process.argv[1] === 'one' ? socketLink(0) : stdioLink()
  const never = new AbortController().signal
  for (let b; (b = await link.read(never)) !== null; ) await link.write(b, never)
  await link.close()
  process.exitCode = isSocket(0) ? 7 : 8`

t.test('megabytes both ways at once through a program on our descriptors', async (t) => {
  const bytes = Buffer.alloc(8 << 20, 'prsync')
  const node = [process.execPath, '--input-type=module', '-e', ECHO]
  const through: [string, ReturnType<typeof linkToChild>][] = [
    ['two sockets', linkToChild([...node, 'two'], process.env, never)],
    [
      'two pipes',
      linkToChild(['sh', '-c', 'cat | "$0" "$@" | cat', ...node, 'two'], process.env, never),
    ],
    [
      'one socket',
      linkToSocketProgram(
        `exec '${node.slice(0, 3).join("' '")}' '${ECHO.replaceAll("'", '"')}' one`,
        '/bin/sh',
        process.env,
        never,
      ),
    ],
  ]
  for (const [name, opening] of through) {
    const link = await opening
    let back = 0
    await together(
      never,
      async (signal) => link.write(bytes, signal),
      async (signal) => {
        while (back < bytes.length) {
          const chunk = await link.read(signal)
          if (chunk === null) throw new Error('ended early')
          if (!bytes.subarray(back % 6, (back % 6) + chunk.length).equals(chunk))
            throw new Error('other bytes')
          back += chunk.length
        }
      },
    )
    t.equal(back, bytes.length, name)
    await link.close()
    // What stands in for a socket has no status, as with rsync.
    t.equal(await link.finished(), name === 'two sockets' ? 7 : 0, name)
  }
})

t.test('a descriptor that is none is no socket', async (t) => {
  t.equal(isSocket(999), false)
})
