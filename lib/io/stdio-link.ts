/**
 * A Link over the descriptors this process was started with: `--server` behind a remote shell, a daemon behind inetd. They may be
 * sockets or pipes, blocking or not, and shared: all that is done to them can wait, prsync-protocol(7), starting the other side.
 */
import { createReadStream, createWriteStream, fstatSync } from 'node:fs'
import net from 'node:net'
import type { Writable } from 'node:stream'
import { codeOf } from '../base/errors.js'
import type { Link } from '../host.js'
import { quickAcks } from './quick-ack.js'
import { ReadRing } from './read-ring.js'
import { StreamLink } from './stream-link.js'
import type { TcpAddress } from './tcp.js'

/** Standard input and output. What is read stands until the next read but one. */
export function stdioLink(): Link {
  if (!waits(0)) return new StreamLink(createReadStream('', { fd: 0 }), writableOf(1))
  const ring = new ReadRing()
  const input = new net.Socket(readingInto(ring, { fd: 0, readable: true, writable: false }))
  return new StreamLink(input, writableOf(1), ring, quickAcks(input))
}

export type InheritedLink = Link & {
  /** Null: it has no address, as one end of a pair. */
  readonly remote: TcpAddress | null
}

/** One socket, for both directions, that was passed to us. What is read stands until the next read but one. */
export function socketLink(fd: number): InheritedLink {
  const ring = new ReadRing()
  const socket = new net.Socket(readingInto(ring, { fd, readable: true, writable: true }))
  return new InheritedSocket(socket, ring)
}

/** net.Socket takes what net.connect passes on to it; its type does not say so. */
export function readingInto(
  ring: ReadRing,
  options: net.SocketConstructorOpts,
): net.SocketConstructorOpts {
  return Object.assign(options, { onread: ring.options })
}

class InheritedSocket extends StreamLink implements InheritedLink {
  readonly remote: TcpAddress | null
  constructor(socket: net.Socket, ring: ReadRing) {
    super(socket, socket, ring, quickAcks(socket))
    const { remoteAddress: host, remotePort: port } = socket
    this.remote = host === undefined || port === undefined ? null : { host, port }
  }
}

export function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket()
  } catch (error) {
    if (codeOf(error) === 'EBADF') return false
    throw error
  }
}

/** A pipe or socket waits in the event loop; a file or a terminal in a thread. */
function waits(fd: number): boolean {
  const stat = fstatSync(fd)
  return stat.isSocket() || stat.isFIFO()
}
function writableOf(fd: number): Writable {
  return waits(fd)
    ? new net.Socket({ fd, readable: false, writable: true })
    : createWriteStream('', { fd })
}
