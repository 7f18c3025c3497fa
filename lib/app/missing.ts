/** What a pull cannot find on its own disk, and who brings it. */
import type { ByteName } from '../base/byte-name.js'
import type { ContentId } from '../hash/root.js'
import type { ContentSink } from '../host.js'

/** A content that has to come over the network, and a name that waits for it. */
export type Missing = {
  readonly content: ContentId
  readonly since: number
  readonly name: ByteName
  /** What a delta left open in the partial file; empty: all of it. */
  readonly ranges: readonly { readonly offset: number; readonly length: number }[]
}

/** Brings contents over the network into a sink; resolves when each was delivered or given up as a fault. */
export type Fetcher = (
  missing: readonly Missing[],
  sink: ContentSink,
  signal: AbortSignal,
) => Promise<void>
