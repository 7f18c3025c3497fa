/** The public address of a volunteer for tests: forwards to it, with the faults that lie between a sound volunteer and its clients. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export type DoorFault = 'none' | 'wrong' | 'cut' | 'missing' | 'hangs up'

export type FaultyDoor = {
  readonly url: string
  fault: DoorFault
  /** Paths of GETs, as they came; those of audits, which ask for a range, are not among them. */
  readonly asked: string[]
  /** Where it leads. */
  port: number
}

export async function openDoor(t: Test, host: string): Promise<FaultyDoor> {
  const door: FaultyDoor = { url: '', fault: 'none', asked: [], port: 0 }
  const server = createServer((from, to) => {
    if (from.headers.range === undefined) door.asked.push(from.url ?? '')
    if (door.fault === 'hangs up') return void from.socket.destroy()
    if (door.fault === 'missing') return void to.writeHead(404).end()
    forward(door, host, from, to)
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return Object.assign(door, { url: `http://${host}:${port}` })
}

function forward(door: FaultyDoor, host: string, from: IncomingMessage, to: ServerResponse): void {
  const { fault, port } = door
  const asked = request(
    { host, port, path: from.url, method: from.method, headers: from.headers, agent: false },
    (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers)
      let passed = 0
      answer.on('data', (chunk: Buffer) => {
        passed += chunk.length
        if (fault === 'wrong') chunk.fill(0x21, chunk.length >> 1)
        if (fault === 'cut') to.write(chunk.subarray(0, 1), () => from.socket.destroy())
        else to.write(chunk)
      })
      answer.on('end', () => {
        if (fault !== 'cut' || passed === 0) to.end()
      })
    },
  )
  asked.on('error', () => from.socket.destroy())
  asked.end()
}
