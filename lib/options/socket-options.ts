/** --sockopts and `socket options`: names as in setsockopt(2), some with a value. Node sets two of them, a daemon all. */

/** Of Linux: level, name, and the value where none is said. */
const CALLS: ReadonlyMap<string, readonly [level: number, name: number, value: number]> = new Map([
  ['SO_KEEPALIVE', [1, 9, 1]],
  ['SO_REUSEADDR', [1, 2, 1]],
  ['SO_BROADCAST', [1, 6, 1]],
  ['SO_SNDBUF', [1, 7, 1]],
  ['SO_RCVBUF', [1, 8, 1]],
  ['SO_SNDLOWAT', [1, 19, 1]],
  ['SO_RCVLOWAT', [1, 18, 1]],
  ['SO_SNDTIMEO', [1, 21, 1]],
  ['SO_RCVTIMEO', [1, 20, 1]],
  ['TCP_NODELAY', [6, 1, 1]],
  ['IPTOS_LOWDELAY', [0, 1, 0x10]],
  ['IPTOS_THROUGHPUT', [0, 1, 0x08]],
])

export type SocketCall = {
  /** As it was written. */
  readonly said: string
  readonly level: number
  readonly name: number
  readonly value: number
}
export type SocketOptions = {
  readonly keepAlive: boolean
  /** Known, and not to be set from Node. TCP_NODELAY and SO_REUSEADDR are set anyway. */
  readonly unsettable: readonly string[]
  readonly unknown: readonly string[]
  /** All that are known. */
  readonly calls: readonly SocketCall[]
}

export function parseSocketOptions(text: string): SocketOptions {
  const said = text.split(/[\s,]+/).filter((word) => word !== '')
  const names = said.map((word) => word.split('=', 1)[0] ?? word)
  const isOn = (name: string): boolean =>
    said.some((word) => word === name || (word.startsWith(`${name}=`) && !word.endsWith('=0')))
  const always = new Set(['SO_KEEPALIVE', 'TCP_NODELAY', 'SO_REUSEADDR'])
  return {
    keepAlive: isOn('SO_KEEPALIVE'),
    unsettable: names.filter((name) => CALLS.has(name) && !always.has(name)),
    unknown: names.filter((name) => !CALLS.has(name)),
    calls: said.flatMap((word): SocketCall[] => {
      const [option = '', value] = word.split('=')
      const call = CALLS.get(option)
      if (call === undefined) return []
      const given = value === undefined ? call[2] : Number.parseInt(value, 10) || 0
      return [{ said: word, level: call[0], name: call[1], value: given }]
    }),
  }
}
