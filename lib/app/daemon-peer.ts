/** Who is at the other end of a daemon's connection. rsyncd.conf(5), proxy protocol and reverse lookup. */
import { bytesOf, joined } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { nameOfAddress } from '../io/names.js'
import { type Environment, flagOf, textOf, type Values } from '../options/conf.js'
import { isAmong, type PeerInfo, UNDETERMINED } from '../rsync/host-access.js'
import type { LineLink } from '../rsync/line-link.js'
import {
  decodeProxyHeader,
  decodeProxyLength,
  PROXY_HEAD_BYTES,
  PROXY_V2_BYTES,
  type ProxiedAddress,
  parseProxyLine,
  proxyVersion,
} from '../wire/proxy-header.js'

/** Its address as the system has it; null: a pipe, behind a remote shell. */
export type RawPeer = { readonly address: string | null }

const NOWHERE = '0.0.0.0'

/** @throws {WireError} where a proxy does not say whom it speaks for */
export async function peerOf(
  link: LineLink,
  raw: RawPeer,
  globals: Values,
  env: Environment,
  signal: AbortSignal,
): Promise<PeerInfo> {
  const [shell = ''] = (env['SSH_CONNECTION'] ?? env['SSH_CLIENT'] ?? '').split(' ')
  let address = (raw.address ?? (shell || NOWHERE)).replace(/^::ffff:/, '')
  if (flagOf(globals, 'proxy protocol')) {
    const hosts = textOf(globals, 'proxy protocol hosts', env)
    if (hosts !== '' && !isAmong(hosts, address))
      throw new WireError(`${address} is not among the proxy protocol hosts`)
    address = (await proxied(link, signal)) ?? address
  }
  return flagOf(globals, 'reverse lookup') ? namedPeer(address) : { address, name: UNDETERMINED }
}

export async function namedPeer(address: string): Promise<PeerInfo> {
  return { address, name: (await nameOfAddress(address)) ?? 'UNKNOWN' }
}

async function proxied(link: LineLink, signal: AbortSignal): Promise<ProxiedAddress> {
  const head = await exactly(link, PROXY_HEAD_BYTES, signal)
  const text = Buffer.from(head).toString('latin1')
  if (proxyVersion(text) === 1) {
    const line = await link.line(LIMITS.proxyLineBytes, signal)
    return parseProxyLine(text + (line ?? ''))
  }
  const fixed = joined([head, await exactly(link, PROXY_V2_BYTES - PROXY_HEAD_BYTES, signal)])
  const rest = await exactly(link, decodeProxyLength(fixed), signal)
  return decodeProxyHeader(joined([fixed, rest]))
}

async function exactly(link: LineLink, length: number, signal: AbortSignal): Promise<Uint8Array> {
  if (length === 0) return bytesOf('')
  const bytes = await link.exactly(length, signal)
  if (bytes === null) throw new WireError('the proxy left before it said who connects')
  return bytes
}
