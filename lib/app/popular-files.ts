/** Files that clients ask for again and again, with what an answer says of them whoever asks: most requests are for few files. */
import type { FileFacts } from '../mirror/file-headers.js'
import { keyOf } from '../mirror/lately.js'
import type { KeptHere } from '../mirror/redirectable.js'
import type { FormFile } from './file-forms.js'
import type { Snapshot } from './publish.js'
import { SeenOften } from './seen-often.js'
import { TwoAges } from './two-ages.js'

/** A kilobyte or two each. */
const FILES = 2 ** 14
/** Longer paths are rare, and take more. */
const MOST_CHARS = 512
const START = { high: 0, low: 0 }

/** A file by the name that stays. */
export type ToldFile = {
  readonly file: FormFile
  readonly facts: FileFacts
  /** Null: a volunteer may give it. */
  readonly kept: KeptHere | null
  /** `/module/name`, percent-encoded. */
  readonly path: string
}

export class PopularFiles {
  readonly #files = new TwoAges<string, { readonly of: Snapshot | null; readonly told: ToldFile }>(
    FILES,
  )
  /** So many counters that two files seldom share one within a window. */
  readonly #asked = new SeenOften(2 ** 16, 2 ** 14, 2)

  /** As it was told of in this snapshot; null: it was not. @param path as it was asked for */
  get(path: string, snapshot: Snapshot | null): ToldFile | null {
    const known = this.#files.get(path)
    return known !== undefined && known.of === snapshot ? known.told : null
  }

  /** It is told of in this snapshot. */
  add(path: string, snapshot: Snapshot | null, told: ToldFile): void {
    if (path.length <= MOST_CHARS && this.#asked.again(keyOf(START, path).low))
      this.#files.set(path, { of: snapshot, told })
  }
}
