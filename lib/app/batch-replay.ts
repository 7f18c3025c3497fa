/** A batch applied here: what another run sent, without a sender. rsync(1) --read-batch. */
import { UnsupportedError } from '../base/errors.js'
import { openBatch } from '../io/batch-file.js'
import { operatorPaths } from '../io/operator.js'
import type { Options } from '../options/options.js'
import { CONVERTED, type Matched, matchBatch, readBatchHead } from '../wire/batch.js'
import { has } from '../wire/terms.js'
import { becomeCopyUser } from './copy-as.js'
import { type SyncEvents, type SyncReport, Troubles } from './sync-events.js'
import { readFilters } from './sync-filters.js'
import { LOCAL_ACCOUNTS } from './target-side.js'
import { openWireCharset } from './wire-charset.js'
import { WireConnection } from './wire-connection.js'
import { receiveFiles } from './wire-receiving.js'

export type { Matched }

/** A batch that is read: its options are known, nothing is done yet. */
export type Replay = {
  /** As they were said, but for those that shape what is in the batch. */
  readonly options: Options
  /** Options that were said otherwise. */
  readonly matched: readonly Matched[]
  /** @param destination null: what is in the batch is listed @throws {WireError} where it ends in the middle */
  run(destination: string | null, events: SyncEvents): Promise<SyncReport>
  close(): Promise<void>
}

/** @param file `-`: standard input @throws {FileError} where it cannot be read, {ProtocolError} on what is no batch */
export async function openReplay(
  said: Options,
  file: string,
  signal: AbortSignal,
): Promise<Replay> {
  const trusted = operatorPaths(said)
  const link = openBatch(file === '-' ? file : trusted(file))
  const connection = new WireConnection(link, 0, signal, () => {})
  const close = async (): Promise<void> => {
    connection.close()
    await link.close()
  }
  try {
    const head = await connection.reader.decode(readBatchHead)
    if ((head.flags & CONVERTED) !== 0 && head.terms.protocol >= 30 && said.iconv === null)
      throw new UnsupportedError('the names in the batch are UTF-8: --iconv has to be said')
    const charset = await openWireCharset(said, process.env)
    const { options: shaped, matched } = matchBatch(said, head)
    const options: Options = {
      ...shaped,
      incRecursive: has(head.terms, 'incremental'),
      wholeFile: shaped.wholeFile ?? false,
    }
    const run = (destination: string | null, events: SyncEvents): Promise<SyncReport> => {
      const filters = readFilters(options, trusted)
      becomeCopyUser(options.copyAs)
      return receiveFiles({
        connection,
        terms: head.terms,
        options,
        destination,
        filters,
        trusted,
        troubles: new Troubles(events),
        accounts: LOCAL_ACCOUNTS,
        isServer: false,
        charset,
        isReplay: true,
        asked: null,
        events,
      })
    }
    return { options, matched, run, close }
  } catch (error) {
    await close()
    throw error
  }
}
