/** Contents over HTTP alone: for a node that may not talk to peers, and for what no peer gives. */
import { SocketError } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import { overAll } from '../base/together.js'
import { LEAF_BYTES, leavesOf, rootOfLeaves } from '../hash/merkle.js'
import type { ContentId } from '../hash/root.js'
import { SMALL_BYTES } from '../hash/unit.js'
import type { ContentSink } from '../host.js'
import type { Centre } from './centre.js'
import type { Fetcher, Missing } from './missing.js'
import type { PullReport } from './pull-report.js'

const BATCH_FILES = 1024
const BATCH_BYTES = 16 * 1024 * 1024
const RANGE = 4 * 1024 * 1024
const WIDTH = 4

export function httpFetcher(centre: Centre, outcome: Outcome, report: PullReport): Fetcher {
  return async (missing, sink, signal) => {
    const small = missing.filter((m) => m.content.length <= SMALL_BYTES)
    const large = missing.filter((m) => m.content.length > SMALL_BYTES)
    await overAll(batches(small), WIDTH, signal, (batch, inner) =>
      fetchSmall(batch, centre, sink, outcome, report, inner),
    )
    await overAll(large, WIDTH, signal, (one, inner) =>
      fetchLarge(one, centre, sink, outcome, report, inner),
    )
  }
}

async function fetchSmall(
  batch: readonly Missing[],
  centre: Centre,
  sink: ContentSink,
  outcome: Outcome,
  report: PullReport,
  signal: AbortSignal,
): Promise<void> {
  const left = new Map(batch.map((m) => [m.content.root, m]))
  const items = batch.map((m) => ({ content: m.content, basis: null }))
  for await (const { content, bytes } of centre.contents(items, () => null, signal)) {
    left.delete(content.root)
    report.bytes.centre += bytes.length
    sink.small(content, bytes)
  }
  for (const { name } of left.values())
    outcome.fault(name, 'the centre cannot give its content now')
}

async function fetchLarge(
  { content, name }: Missing,
  centre: Centre,
  sink: ContentSink,
  outcome: Outcome,
  report: PullReport,
  signal: AbortSignal,
): Promise<void> {
  const partial = sink.open(content)
  const leaves: Uint8Array[] = []
  try {
    for (let at = 0; at < content.length; at += RANGE) {
      const bytes = await centre.range(content, at, Math.min(RANGE, content.length - at), signal)
      if (bytes === null) throw new SocketError('the centre cannot give its content now')
      partial.write(at, bytes)
      leaves.push(leavesOf(bytes))
      report.bytes.centre += bytes.length
    }
  } catch (error) {
    if (!(error instanceof SocketError)) throw error
    outcome.fault(name, error.message)
    return
  }
  if (!isContent(content, Buffer.concat(leaves))) {
    outcome.fault(name, 'what the centre sent is not the content of the snapshot')
    return
  }
  for (let unit = 0; unit * partial.unitBytes < content.length; unit++) partial.mark(unit)
  partial.finish()
}

function isContent(content: ContentId, leaves: Uint8Array): boolean {
  return (
    leaves.length === Math.ceil(content.length / LEAF_BYTES) * 32 &&
    rootOfLeaves(leaves) === content.root
  )
}

function* batches(missing: readonly Missing[]): Iterable<Missing[]> {
  let batch: Missing[] = []
  let bytes = 0
  for (const one of missing) {
    batch.push(one)
    bytes += one.content.length
    if (batch.length < BATCH_FILES && bytes < BATCH_BYTES) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}
