/** What may be sent elsewhere at all, whoever asks. A request that is answered without bytes (304, 412, 416) never comes so far. */
import { isMetadata } from './file-class.js'

/** Below it a second connection costs more than the bytes. */
export const REDIRECT_BYTES = 64 * 1024

/** Why a file is only given by the centre; null: a volunteer may give it. */
export type KeptHere = 'metadata' | 'small'

/** @param name below the module */
export function keptHere(name: string, length: number): KeptHere | null {
  // apt takes all indices of a suite from where its InRelease was sent.
  if (isMetadata(name)) return 'metadata'
  return length < REDIRECT_BYTES ? 'small' : null
}
