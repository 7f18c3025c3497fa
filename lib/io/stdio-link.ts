/**
 * A Link over the descriptors this process was started with: `--server` behind a remote shell, a daemon behind inetd. They may be
 * sockets or pipes, blocking or not, and shared: all that is done to them can wait, prsync-protocol(7), starting the other side.
 */
import { createReadStream, createWriteStream, fstatSync } from 'node:fs'
import net from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { codeOf } from '../base/errors.js'
import type { Link } from '../host.js'
import { StreamLink } from './stream-link.js'
import type { TcpAddress } from './tcp.js'

/** Standard input and output. */
export function stdioLink(): Link {
  return new StreamLink(readableOf(0), writableOf(1))
}

export type InheritedLink = Link & {
  /** Null: it has no address, as one end of a pair. */
  readonly remote: TcpAddress | null
}

/** One socket, for both directions, that was passed to us. */
export function socketLink(fd: number): InheritedLink {
  const socket = new net.Socket({ fd, readable: true, writable: true })
  return new InheritedSocket(socket)
}

class InheritedSocket extends StreamLink implements InheritedLink {
  readonly remote: TcpAddress | null
  constructor(socket: net.Socket) {
    super(socket, socket)
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
function readableOf(fd: number): Readable {
  return waits(fd)
    ? new net.Socket({ fd, readable: true, writable: false })
    : createReadStream('', { fd })
}
function writableOf(fd: number): Writable {
  return waits(fd)
    ? new net.Socket({ fd, readable: false, writable: true })
    : createWriteStream('', { fd })
}
