/** Contents through the swarm: peers first, the centre's wire by its grants, HTTP when nothing else gives. */
import type { ContentId } from '../hash/root.js'
import type { Fallback, FallbackUse } from '../swarm/fallback-lane.js'
import type { Swarm } from '../swarm/swarm.js'
import type { Centre } from './centre.js'
import type { Fetcher } from './missing.js'

export function swarmFetcher(swarm: Swarm, centre: Centre, use: FallbackUse = 'last'): Fetcher {
  return (missing, sink, signal) => {
    const wanted = missing.map(({ content, since, ranges }) => ({
      content,
      since,
      missing: ranges,
    }))
    return swarm.download(wanted, sink, fallbackOf(centre), signal, use)
  }
}

function fallbackOf(centre: Centre): Fallback {
  return {
    range: (content, offset, length, signal) => centre.range(content, offset, length, signal),
    hashes: (content, range, signal) => centre.hashes(content, range, signal),
    small: async (contents, signal) => {
      const items = contents.map((content: ContentId) => ({ content, basis: null }))
      const found = new Map<string, Uint8Array>()
      for await (const { content, bytes } of centre.contents(items, () => null, signal))
        found.set(content.root, bytes)
      return contents.map(({ root }) => found.get(root) ?? null)
    },
  }
}
