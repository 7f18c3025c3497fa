/** What can be acknowledged at once: connections of TCP, at either end, and nothing else. */
import { once } from 'node:events'
import net from 'node:net'
import t from 'tap'
import { daemonCalls } from '../../lib/io/libc-daemon.js'
import { descriptorOf, quickAcks } from '../../lib/io/quick-ack.js'

t.test('a connection of TCP, not a pair of sockets, nor what is none', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const client = net.connect(port, '127.0.0.1')
  const [[served]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [net.Socket],
    unknown,
  ]
  const calls = daemonCalls()
  for (const socket of [client, served]) {
    const acknowledge = quickAcks(socket)
    t.equal(acknowledge !== null, calls !== null)
    acknowledge?.()
  }
  for (const socket of [client, served, server]) socket.unref()
  client.destroy()
  await once(client, 'close')
  t.equal(descriptorOf(client), -1)
  t.equal(quickAcks(client), null)
  served.destroy()
  server.close()
  const pair = calls?.socketPair() ?? null
  for (const fd of pair ?? []) {
    const socket = new net.Socket({ fd })
    t.equal(quickAcks(socket), null, 'of UNIX')
    socket.destroy()
  }
})
