/** --sockopts and `socket options`: names as in setsockopt(2), some with a value. Node sets two of them. */

const NAMES: ReadonlySet<string> = new Set([
  'SO_KEEPALIVE',
  'SO_REUSEADDR',
  'SO_BROADCAST',
  'SO_SNDBUF',
  'SO_RCVBUF',
  'SO_SNDLOWAT',
  'SO_RCVLOWAT',
  'SO_SNDTIMEO',
  'SO_RCVTIMEO',
  'TCP_NODELAY',
  'IPTOS_LOWDELAY',
  'IPTOS_THROUGHPUT',
])

export type SocketOptions = {
  readonly keepAlive: boolean
  /** Known, and not to be set from Node. TCP_NODELAY and SO_REUSEADDR are set anyway. */
  readonly unsettable: readonly string[]
  readonly unknown: readonly string[]
}

export function parseSocketOptions(text: string): SocketOptions {
  const said = text.split(/[\s,]+/).filter((word) => word !== '')
  const names = said.map((word) => word.split('=', 1)[0] ?? word)
  const isOn = (name: string): boolean =>
    said.some((word) => word === name || (word.startsWith(`${name}=`) && !word.endsWith('=0')))
  const always = new Set(['SO_KEEPALIVE', 'TCP_NODELAY', 'SO_REUSEADDR'])
  return {
    keepAlive: isOn('SO_KEEPALIVE'),
    unsettable: names.filter((name) => NAMES.has(name) && !always.has(name)),
    unknown: names.filter((name) => !NAMES.has(name)),
  }
}
