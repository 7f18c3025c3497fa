/** A thread that glances at directories, with its own hold on the index. */
import { Glance, type Glanced } from './glance.js'
import type { GlanceJob } from './glance-tree.js'
import { openRecords } from './lmdb-tables.js'
import { answerJobs } from './worker.js'

/** A pool's jobs are all for one tree. */
let glance: Glance | null = null

answerJobs<GlanceJob, Glanced>(({ top, index, wish, items, most }) => {
  glance ??= Glance.open(top, openRecords(index), wish)
  return glance?.walk(items, most) ?? NOTHING
})

const NOTHING: Glanced = { orderly: new Map(), rest: [] }
