/** --iconv for a copy within one machine: what a name is at the destination, and which names have none. rsync(1). */
import type { Trace } from '../base/trace.js'
import { betweenCharsets, type Charset, openCharset, parseCharsets } from '../flist/charset.js'
import type { Conversion } from '../rsync/converted-trees.js'

export type SyncCharsets = {
  readonly toDestination: Conversion
  readonly toSource: Conversion
  tell(trace: Trace): void
  /** The side that has no such name. */
  readonly lacking: (text: string) => 'sender' | 'receiver' | null
}

/** @param spec LOCAL,REMOTE: of the sources, and of the destination @throws {UnsupportedError} on a set that is unknown */
export function openSyncCharsets(
  spec: string,
  environment: { readonly [name: string]: string | undefined },
): SyncCharsets {
  const { local, remote } = parseCharsets(spec)
  const source: Charset = openCharset(local, environment)
  const destination: Charset = openCharset(remote, environment)
  const toDestination = betweenCharsets(source, destination)
  return {
    tell: (trace) => {
      trace.charset?.('sender', local)
      trace.charset?.('Receiver', remote)
    },
    toDestination,
    toSource: betweenCharsets(destination, source),
    lacking: (text) =>
      source.toUtf8(text) === null ? 'sender' : toDestination(text) === null ? 'receiver' : null,
  }
}
