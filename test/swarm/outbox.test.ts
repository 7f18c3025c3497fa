import t from 'tap'
import { latin1Of, utf8Bytes } from '../../lib/base/bytes.js'
import { SocketError } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import type { Link } from '../../lib/host.js'
import { Outbox } from '../../lib/swarm/outbox.js'

/** A link whose writes settle when told to. */
function slowLink(): { link: Link; written: string[]; take: () => void } {
  const written: string[] = []
  let waiting: (() => void) | null = null
  return {
    written,
    take: () => waiting?.(),
    link: {
      read: async () => null,
      write: (bytes) => {
        written.push(latin1Of(bytes))
        return new Promise((resolve) => {
          waiting = resolve
        })
      },
      close: async () => {},
    },
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

t.test('frames are gathered while the write before is under way', async (t) => {
  const stop = new AbortController()
  const out = new Outbox()
  const { link, written, take } = slowLink()
  const running = out.run(link, stop.signal)
  out.give(utf8Bytes('a'))
  out.give(utf8Bytes('b'))
  await turn()
  out.give(utf8Bytes('c'))
  const reused = utf8Bytes('d')
  out.give(reused)
  reused.fill(0)
  await turn()
  t.same(written, ['ab'])
  t.equal(out.unsent, 4)
  take()
  await turn()
  t.same(written, ['ab', 'cd'])
  t.equal(out.unsent, 2)
  take()
  await turn()
  t.equal(out.unsent, 0)
  stop.abort(new Error('enough'))
  await t.rejects(running, { message: 'enough' })
})

t.test('drained waits until little is unsent, and fails with the connection', async (t) => {
  const stop = new AbortController()
  const out = new Outbox()
  const { link, take } = slowLink()
  const running = out.run(link, stop.signal)
  await out.drained(stop.signal)
  out.give(new Uint8Array(LIMITS.unsentBytes + 1))
  let settled = false
  const drained = out.drained(stop.signal).then(() => {
    settled = true
  })
  await turn()
  t.notOk(settled)
  take()
  await drained
  t.ok(settled)
  out.give(new Uint8Array(LIMITS.unsentBytes))
  const lost = out.drained(stop.signal)
  out.close()
  await t.rejects(lost, SocketError)
  out.give(utf8Bytes('late'))
  t.equal(out.unsent, LIMITS.unsentBytes)
  const stopped = new Outbox()
  stopped.give(new Uint8Array(LIMITS.unsentBytes))
  const waiting = stopped.drained(stop.signal)
  stop.abort(new Error('enough'))
  await t.rejects(waiting, { message: 'enough' })
  take()
  await t.rejects(running, { message: 'enough' })
})
