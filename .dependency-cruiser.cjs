/**
 * The layers of docs/architecture.md as rules: a folder of lib/ may import itself and what is listed, no more.
 * Run: npx depcruise bin lib
 */
const mayImport = {
  base: [],
  kernel: ['base'],
  hash: ['base', 'kernel'],
  options: ['base'],
  flist: ['base', 'host', 'hash', 'options'],
  delta: ['base', 'hash', 'kernel'],
  wire: ['base', 'host', 'hash', 'options', 'flist', 'delta'],
  bt: ['base', 'hash'],
  plan: ['base', 'host', 'hash', 'options', 'flist'],
  snapshot: ['base', 'hash', 'flist'],
  tracker: ['base', 'bt'],
  mirror: ['base', 'hash', 'snapshot'],
  rsync: ['base', 'host', 'kernel', 'hash', 'options', 'flist', 'delta', 'wire', 'plan'],
  swarm: ['base', 'host', 'hash', 'delta', 'bt', 'snapshot', 'tracker'],
  io: ['base', 'host', 'hash', 'kernel', 'flist', 'delta'],
  app: ['base', 'host', 'hash', 'kernel', 'options', 'flist', 'delta', 'wire', 'bt', 'plan', 'snapshot', 'tracker', 'mirror', 'rsync', 'swarm', 'io'],
  cli: ['base', 'host', 'options', 'flist', 'plan', 'app'],
}
const layers = Object.entries(mayImport).map(([from, to]) => ({
  name: `lib/${from} may import ${to.length === 0 ? 'nothing of lib' : to.join(', ')}`,
  severity: 'error',
  from: { path: `^lib/${from}/` },
  to: { path: '^lib/', pathNot: `^lib/(${[from, ...to].join('|')})(/|\\.ts$)` },
}))

/** Each npm dependency has one door. */
const door = (dependency, folder) => ({
  name: `${dependency} only through lib/${folder}`,
  severity: 'error',
  from: { path: '^(bin|lib)/', pathNot: `^lib/${folder}/` },
  to: { path: `(^|/)node_modules/(@types/)?${dependency}/` },
})

module.exports = {
  forbidden: [
    ...layers,
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'the machine is reached only from lib/io',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/(io|cli)/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|crypto|zlib|util|timers/promises)$' },
    },
    ...[['commander', 'cli'], ['chalk', 'cli'], ['ora', 'cli'], ['ws', 'io'], ['fast-glob', 'io'], ['lmdb', 'io'], ['@redis/client', 'io'], ['koffi', 'io'], ['bittorrent-protocol', 'swarm'], ['torrent-piece', 'swarm'], ['minizlib', 'wire'], ['iconv-lite', 'flist'], ['mime-types', 'mirror']].map(([d, f]) => door(d, f)),
  ],
  options: { doNotFollow: { path: 'node_modules' }, exclude: { path: '\\.mjs$' }, tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' } },
}
