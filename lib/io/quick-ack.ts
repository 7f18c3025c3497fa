/**
 * Acknowledgements that do not wait: rsync sends its small answers by Nagle's algorithm, each after the last was acknowledged, which
 * the system puts off for 40 ms where nothing goes the other way. Twice in each session with a daemon. tcp(7) TCP_QUICKACK
 */
import type net from 'node:net'
import { daemonCalls } from './libc-daemon.js'

const TCP = 6
const QUICK = 12

/** To be called before something is waited for: the system forgets it. Null: it is no TCP socket, or there is no such call. */
export function quickAcks(socket: net.Socket): (() => void) | null {
  if (socket.remoteAddress === undefined) return null
  const calls = daemonCalls()
  const fd = descriptorOf(socket)
  if (calls === null || !calls.setSocket(fd, TCP, QUICK, 1)) return null
  return () => void calls.setSocket(fd, TCP, QUICK, 1)
}

/** Node tells it to those who ask a socket's handle; -1: it has none. */
export function descriptorOf(socket: net.Socket): number {
  const { _handle: handle } = socket as { _handle?: { readonly fd?: number } }
  return handle?.fd ?? -1
}
