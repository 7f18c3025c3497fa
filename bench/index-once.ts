/**
 * Publishes a tree once and ends: what bench/mirror and bench/image time. Arguments: tree, state directory,
 * from which size on files are looked through for others (0: none, the default).
 */
import { Publisher } from '../lib/app/publish.js'
import { systemClock } from '../lib/app/system.js'
import { keyPairOf } from '../lib/hash/ed25519.js'
import { HashPool } from '../lib/io/hash-pool.js'
import { Store } from '../lib/io/store.js'
import { DiskTree } from '../lib/io/tree.js'

const [path = '', state = '', least = '0'] = process.argv.slice(2)
const tree = new DiskTree(path)
const store = new Store(state)
const pool = new HashPool()
const publisher = new Publisher({
  module: 'm',
  tree,
  store,
  pool,
  recipes: pool.recipes,
  assembleMin: Number(least) || null,
  log: (event, fields) => {
    if (process.env['PRSYNC_LOG'] !== undefined) console.error(event, fields)
  },
  keys: keyPairOf(Buffer.alloc(32, 1)),
  select: () => true,
  under: null,
  xattrs: false,
  clock: systemClock,
  progress: () => {},
})
await publisher.publish(null, new AbortController().signal)
await pool.close()
await store.close()
tree.close()
