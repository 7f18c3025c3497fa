/**
 * Recipes that a node fetched stay in its index with what they are of: it gives them to others, as it gives its pages, and a pull
 * that was interrupted does not ask for them again. docs/decisions/0051.
 */
import type { ContentId, Root } from '../hash/root.js'
import type { ContentSink, PartialContent } from '../host.js'
import type { Store } from '../io/store.js'
import type { Fetcher, Missing } from './missing.js'
import { PageSink } from './page-sink.js'

export class RecipeKeeping {
  readonly #store: Store
  readonly #offer: (roots: readonly Root[]) => void

  /** @param offer they can be given to others now */
  constructor(store: Store, offer: (roots: readonly Root[]) => void) {
    this.#store = store
    this.#offer = offer
  }

  /** As `fetcher` for recipes, but what is in the index is not fetched, and what is fetched goes there. */
  over(fetcher: Fetcher): Fetcher {
    return async (missing, sink, signal) => {
      const rest: Missing[] = []
      for (const each of missing) {
        const bytes = this.#store.blob(each.content.root)
        if (bytes === null) rest.push(each)
        else sink.small(each.content, bytes)
      }
      if (rest.length === 0) return
      const index = new PageSink(this.#store, this.#offer)
      try {
        await fetcher(rest, new BothSinks(sink, index), signal)
      } finally {
        index.flush()
      }
    }
  }

  /** Of what stands here now: its recipe goes when it does. Those of others are swept with old pages. */
  bind(images: readonly { readonly content: ContentId; readonly recipe: ContentId }[]): void {
    const store = this.#store
    const standing = images.filter(
      ({ content, recipe }) =>
        store.hasBlob(recipe.root) && store.places.of(content.root).some(({ hashed }) => hashed),
    )
    if (standing.length === 0) return
    store.transaction(() => {
      for (const { content, recipe } of standing) store.putRecipe(content.root, recipe)
    })
  }
}

class BothSinks implements ContentSink {
  readonly #first: ContentSink
  readonly #index: PageSink

  constructor(first: ContentSink, index: PageSink) {
    this.#first = first
    this.#index = index
  }

  small(content: ContentId, bytes: Uint8Array): void {
    this.#first.small(content, bytes)
    this.#index.small(content, bytes)
  }
  lost(content: ContentId, why: string): void {
    this.#first.lost?.(content, why)
  }
  open(content: ContentId): PartialContent {
    const partial = this.#first.open(content)
    const finish = (leaves: Uint8Array | null): void => {
      partial.finish(leaves)
      this.#index.small(content, partial.read(0, content.length))
    }
    return { ...partial, finish }
  }
}
