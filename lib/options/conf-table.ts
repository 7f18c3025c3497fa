/** Every parameter of rsyncd.conf as data: the parser, rsyncd.conf's manual and its test read this one table. rsyncd.conf(5) 3.5.0. */

export type Parameter = {
  /** As the manual writes it; white space in it does not count in a file. */
  readonly name: string
  /** Of the whole daemon, or of a module, where a global one is the default for those that follow. */
  readonly scope: 'global' | 'module'
  /** A text may hold %VAR%. `unset`: a boolean that has a third state, said or meant by silence. */
  readonly kind: 'text' | 'number' | 'boolean' | 'unset'
  readonly initial: string
}

type Kind = Parameter['kind']
const of =
  (scope: Parameter['scope'], kind: Kind) =>
  (
    name: string,
    initial = kind === 'boolean' ? 'no' : kind === 'number' ? '0' : '',
  ): Parameter => ({
    name,
    scope,
    kind,
    initial,
  })
const globalText = of('global', 'text')
const globalNumber = of('global', 'number')
const globalFlag = of('global', 'boolean')
const text = of('module', 'text')
const number = of('module', 'number')
const flag = of('module', 'boolean')
const unset = of('module', 'unset')

export const PARAMETERS: readonly Parameter[] = [
  globalText('address'),
  globalText('daemon chroot'),
  globalText('daemon gid'),
  globalText('daemon uid'),
  globalNumber('listen backlog', '5'),
  globalText('motd file'),
  globalText('pid file'),
  globalNumber('port'),
  globalFlag('proxy protocol'),
  globalText('proxy protocol hosts'),
  globalText('socket options'),
  // prsync's own.
  globalText('uplink'),
  text('auth digest'),
  text('auth users'),
  text('charset'),
  text('comment'),
  text('dont compress'),
  text('early exec'),
  text('exclude'),
  text('exclude from'),
  flag('fake super'),
  text('filter'),
  flag('forward lookup', 'yes'),
  text('gid'),
  text('hosts allow'),
  text('hosts deny'),
  flag('ignore errors'),
  flag('ignore nonreadable'),
  text('include'),
  text('include from'),
  text('incoming chmod'),
  flag('insecure links'),
  flag('list', 'yes'),
  text('lock file', '/var/run/rsyncd.lock'),
  text('log file'),
  text('log format', '%o %h [%a] %m (%u) %f %l'),
  number('max connections'),
  number('max verbosity', '1'),
  unset('munge symlinks'),
  text('name converter'),
  unset('numeric ids'),
  unset('open noatime'),
  text('outgoing chmod'),
  text('path'),
  text('post-xfer exec'),
  text('pre-xfer exec'),
  // prsync's own.
  text('published by'),
  flag('read only', 'yes'),
  text('refuse options'),
  flag('reverse lookup', 'yes'),
  text('secrets file'),
  flag('strict modes', 'yes'),
  text('syslog facility', 'daemon'),
  text('syslog tag', 'rsyncd'),
  text('temp dir'),
  number('timeout'),
  flag('transfer logging'),
  text('uid'),
  unset('use chroot'),
  flag('write only'),
]

/** By its name without white space, in small letters. */
const BY_NAME: ReadonlyMap<string, Parameter> = new Map(
  PARAMETERS.map((parameter) => [plainName(parameter.name), parameter]),
)
export function parameterOf(name: string): Parameter | null {
  return BY_NAME.get(plainName(name)) ?? null
}
function plainName(name: string): string {
  return name.replace(/\s+/g, '').toLowerCase()
}

/** A text of yes or no, as the file may write it; null: it is neither. */
export function booleanOf(text: string): boolean | null {
  if (/^(yes|true|1)$/i.test(text)) return true
  if (/^(no|false|0)$/i.test(text)) return false
  return null
}
