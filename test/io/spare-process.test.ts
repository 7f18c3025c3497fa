/** A process that waits for its connection: what came before it was handed over is read, and it ends when there will be none. */
import { once } from 'node:events'
import net from 'node:net'
import { setImmediate as breathe } from 'node:timers/promises'
import t from 'tap'
import { SpareProcess } from '../../lib/io/spare-process.js'

const SPARE = new URL('../../lib/io/spare-process.js', import.meta.url).href
const LINK = new URL('../../lib/io/stdio-link.js', import.meta.url).href
/** Says its number and whether it has it, then all that it hears; status 3 where nothing came. */
const ECHO = `
  const { connectionCame, isSpare } = await import('${SPARE}')
  const { socketLink } = await import('${LINK}')
  const never = new AbortController().signal
  const marks = [isSpare(), isSpare()]
  if (!(await connectionCame(never))) process.exit(3)
  const link = socketLink(0)
  const hears = link.remote?.host
  await link.write(Buffer.from([process.pid, ...marks, hears, process.connected, ''].join(' ')), never)
  for (let b; (b = await link.read(never)) !== null; ) await link.write(b, never)
  await link.close()`
const words = [process.execPath, '--input-type=module', '-e', ECHO]

t.test('a connection that is handed over is standard input from its first byte', async (t) => {
  const spare = new SpareProcess(words)
  const taken: boolean[] = []
  const handOver = async (socket: net.Socket): Promise<void> => {
    while (!spare.takes(socket)) {
      if (spare.isGone) throw new Error('it ended')
      await breathe()
    }
    taken.push(spare.takes(socket))
  }
  const server = net.createServer({ pauseOnConnect: true }, (socket) => void handOver(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const bytes = Buffer.alloc(300_000, 'prsync')
  const client = net.connect(port, '127.0.0.1')
  client.write(bytes)
  client.end()
  const heard: Buffer[] = []
  client.on('data', (chunk: Buffer) => heard.push(chunk))
  const ended = once(spare.child, 'close')
  await once(client, 'close')
  const first = `${spare.child.pid} true false 127.0.0.1 false `
  const all = Buffer.concat(heard)
  t.equal(all.subarray(0, first.length).toString(), first)
  t.ok(all.subarray(first.length).equals(bytes), 'nothing of it is lost')
  t.same(taken, [false], 'it takes one')
  t.equal((await ended)[0], 0)
  t.ok(spare.isGone)
  server.close()
})

t.test('whoever started it leaves: it ends', async (t) => {
  const spare = new SpareProcess(words)
  const ended = once(spare.child, 'exit')
  await once(spare.child, 'message')
  spare.child.disconnect()
  t.equal((await ended)[0], 3)
  t.notOk(spare.takes(new net.Socket()), 'and takes nothing any more')
})

t.test('a program that is none takes nothing', async (t) => {
  const spare = new SpareProcess(['/does/not/exist'])
  await once(spare.child, 'error')
  t.notOk(spare.takes(new net.Socket()))
})
