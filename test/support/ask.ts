/** One HTTP request to a port of loopback, as it is. */
import { request } from 'node:http'

export type AskedReply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** The path goes out untidied, each request on a connection of its own. */
export function askAt(
  port: number,
  path: string,
  headers: Record<string, string>,
  method: string,
  host = '127.0.0.1',
): Promise<AskedReply> {
  return new Promise((resolve, reject) => {
    const options = { host, port, path, headers, method, agent: false }
    const sent = request(options, (got) => {
      const chunks: Buffer[] = []
      got.on('data', (chunk: Buffer) => chunks.push(chunk))
      got.on('end', () =>
        resolve({
          status: got.statusCode ?? 0,
          headers: got.headers,
          body: Buffer.concat(chunks),
        }),
      )
      got.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}
