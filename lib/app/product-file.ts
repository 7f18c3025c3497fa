/** What clients asked of each product, kept for its next release, which may be months away. */
import { PrsyncError } from '../base/errors.js'
import { readState, replaceState } from '../io/state-file.js'
import { ProductDemand } from '../mirror/product-demand.js'

/** Written so often at most. */
const KEEP_MS = 600_000

export class ProductFile {
  readonly demand: ProductDemand
  readonly #path: string
  #kept: string
  #keptMs = 0

  /** @throws {StartupError} where it cannot be read */
  constructor(path: string) {
    this.#path = path
    this.demand = opened(path)
    this.#kept = this.demand.format()
  }

  keep(nowMs: number): void {
    if (Math.abs(nowMs - this.#keptMs) < KEEP_MS) return
    this.#keptMs = nowMs
    const text = this.demand.format()
    if (text === this.#kept) return
    this.#kept = text
    try {
      replaceState(this.#path, text)
    } catch (error) {
      if (!(error instanceof PrsyncError)) throw error // a full disk: tried again later
    }
  }
}

/** One that is damaged is as good as none. */
function opened(path: string): ProductDemand {
  const text = readState(path)
  try {
    return text === null ? new ProductDemand() : ProductDemand.parse(text)
  } catch (error) {
    if (!(error instanceof PrsyncError)) throw error
    return new ProductDemand()
  }
}
