/** A thread that glances at directories, with its own hold on the index. */
import { Glance, type Glanced } from './glance.js'
import type { GlanceJob } from './glance-tree.js'
import { openRecords } from './store.js'
import { answerJobs } from './worker.js'

let held: { readonly index: string; readonly wish: string; readonly glance: Glance } | null = null

answerJobs<GlanceJob, Glanced>((job) => glanceOf(job).walk(job.items, job.most))

function glanceOf({ top, index, wish }: GlanceJob): Glance {
  const asked = JSON.stringify([top, wish])
  if (held === null || held.index !== index || held.wish !== asked)
    held = { index, wish: asked, glance: new Glance(top, openRecords(index), wish) }
  return held.glance
}
