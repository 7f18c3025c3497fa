import t from 'tap'
import { SocketError, StartupError, TimeoutError } from '../../lib/base/errors.js'
import { connectTcp, listenTcp, type TcpLink, type TcpOptions } from '../../lib/io/tcp.js'

const never = new AbortController().signal
const LOOPBACK = { host: '127.0.0.1', port: 0 }

async function pair(how: TcpOptions = {}): Promise<[TcpLink, TcpLink]> {
  let taken = (_link: TcpLink): void => {}
  const incoming = new Promise<TcpLink>((resolve) => {
    taken = resolve
  })
  const listener = await listenTcp(LOOPBACK, 2, (link) => taken(link))
  const outgoing = await connectTcp(listener.local, 5000, never, how)
  const both: [TcpLink, TcpLink] = [outgoing, await incoming]
  await listener.close()
  return both
}

t.test('bytes go both ways, and an end is an end', async (t) => {
  const [a, b] = await pair()
  t.equal(b.remote.host, '127.0.0.1')
  t.not(a.remote.port, b.remote.port)
  await a.write(Buffer.from('to b'), never)
  await b.write(Buffer.from('to a'), never)
  t.equal(Buffer.from((await b.read(never)) ?? []).toString(), 'to b')
  t.equal(Buffer.from((await a.read(never)) ?? []).toString(), 'to a')
  const reading = a.read(never)
  await b.write(Buffer.from('last'), never)
  await b.close()
  t.equal(Buffer.from((await reading) ?? []).toString(), 'last')
  t.equal(await a.read(never), null)
  await a.close()
  await a.close()
  await t.rejects(a.write(Buffer.from('x'), never), SocketError)
})

t.test('a reader that does not read makes the writer wait', async (t) => {
  const [a, b] = await pair()
  const chunk = new Uint8Array(4 << 20).fill(7)
  let written = 0
  const stop = new AbortController()
  const writing = (async () => {
    for (;;) {
      await a.write(chunk, stop.signal)
      written += chunk.length
    }
  })()
  let last = -1
  while (last !== written || written === 0) {
    last = written
    for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve))
    if (written === 0) await b.read(never)
  }
  const stuckAt = written
  t.ok(stuckAt < 64 << 20, 'memory is bounded')
  let read = 0
  while (read < stuckAt + chunk.length) read += (await b.read(never))?.length ?? 0
  t.ok(written >= stuckAt, 'and reading lets it go on')
  stop.abort(new Error('enough'))
  await t.rejects(writing, { message: 'enough' })
  await a.close()
  await b.close()
})

t.test('waiting for bytes ends with the signal', async (t) => {
  const [a, b] = await pair()
  const stop = new AbortController()
  const reading = a.read(stop.signal)
  stop.abort(new Error('enough'))
  await t.rejects(reading, { message: 'enough' })
  await t.rejects(a.write(new Uint8Array(1), stop.signal), { message: 'enough' })
  await a.close()
  await b.close()
})

t.test('faults are named', async (t) => {
  const listener = await listenTcp(LOOPBACK, 1, (link) => void link.close())
  t.ok(listener.local.port > 0)
  await t.rejects(
    listenTcp(listener.local, 1, () => {}),
    StartupError,
  )
  await listener.close()
  await t.rejects(connectTcp(listener.local, 5000, never), SocketError)
  const stop = new AbortController()
  stop.abort(new Error('enough'))
  await t.rejects(connectTcp(listener.local, 5000, stop.signal), { message: 'enough' })
})

t.test('nobody is waited for longer than agreed', async (t) => {
  const listener = await listenTcp(LOOPBACK, 1, (link) => void link.close())
  const connecting = connectTcp(listener.local, 1, never)
  // hold the event loop past the limit: timers run before sockets, so the connection comes too late
  const until = performance.now() + 20
  while (performance.now() < until);
  await t.rejects(connecting, TimeoutError)
  await listener.close()
})

t.test('a peer that resets is a fault of the socket', async (t) => {
  const [a, b] = await pair()
  const flood = new Uint8Array(1 << 20)
  const failed = (async () => {
    for (;;) await a.write(flood, never)
  })()
  await b.close()
  await t.rejects(failed, SocketError)
  await a.close()
})

t.test('memory that is reused stands while a mebibyte more is read', async (t) => {
  const [reader, writer] = await pair({ reusesMemory: true })
  const sent = Buffer.alloc(24 << 20)
  for (let at = 0; at < sent.length; at += 4)
    sent.writeUInt32LE(Math.imul(at, 2654435761) >>> 0, at)
  const writing = writer.write(sent, never).then(() => writer.close())
  const memory = new Set<ArrayBufferLike>()
  const lent: { readonly bytes: Uint8Array; readonly at: number }[] = []
  let at = 0
  for (;;) {
    const bytes = await reader.read(never)
    // What came before it has not changed meanwhile.
    while (lent.length > 1 && at - (lent[1]?.at ?? 0) > 2 ** 20) lent.shift()
    const [first] = lent
    if (
      first !== undefined &&
      !sent.subarray(first.at, first.at + first.bytes.length).equals(first.bytes)
    )
      t.fail(`bytes from ${first.at} on`)
    if (bytes === null) break
    memory.add(bytes.buffer)
    lent.push({ bytes, at })
    at += bytes.length
    // More comes while this reader is busy.
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal(at, sent.length)
  t.ok(memory.size <= 12, 'twelve parts go round')
  await writing
  await reader.close()
})
