/** Parts of a content in rising order, cut into stretches for threads, and what they leave open. Pure. */

export type Span = { readonly offset: number; readonly length: number }

/** What parts cover of these stretches: parts that cross a border are two. `shift` moves what they are taken from. */
export function cutParts<Part extends Span>(
  parts: readonly Part[],
  stretch: Span,
  shift: (part: Part, by: number) => Part,
): Part[] {
  const end = stretch.offset + stretch.length
  const out: Part[] = []
  for (let i = firstBehind(parts, stretch.offset); i < parts.length; i++) {
    const part = parts[i]
    if (part === undefined || part.offset >= end) break
    const by = Math.max(0, stretch.offset - part.offset)
    const offset = part.offset + by
    const length = Math.min(end, part.offset + part.length) - offset
    out.push({ ...(by > 0 ? shift(part, by) : part), offset, length })
  }
  return out
}

/** What spans in rising order leave open of a content. */
export function openBetween(spans: Iterable<Span>, length: number): Span[] {
  const open: Span[] = []
  let end = 0
  for (const span of spans) {
    if (span.offset > end) open.push({ offset: end, length: span.offset - end })
    end = Math.max(end, span.offset + span.length)
  }
  if (length > end) open.push({ offset: end, length: length - end })
  return open
}

/** What is open in both, each in rising order. */
export function openInBoth(a: readonly Span[], b: readonly Span[]): Span[] {
  const out: Span[] = []
  for (let i = 0, k = 0; i < a.length && k < b.length; ) {
    const [one, other] = [a[i], b[k]]
    if (one === undefined || other === undefined) break
    const offset = Math.max(one.offset, other.offset)
    const end = Math.min(one.offset + one.length, other.offset + other.length)
    if (end > offset) out.push({ offset, length: end - offset })
    if (one.offset + one.length < other.offset + other.length) i++
    else k++
  }
  return out
}

export function lengthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { length }) => sum + length, 0)
}

/** Those first that need none of the others; where they need one another, those that need none before them in this order. */
export function* wavesOf<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
  needs: (item: Item) => readonly Key[],
): Iterable<readonly Item[]> {
  let left = items
  while (left.length > 0) {
    const keys = new Set(left.map(keyOf))
    const ready = left.filter((item) => !needs(item).some((key) => keys.has(key)))
    const wave = ready.length > 0 ? ready : breakers(left, keyOf, needs)
    yield wave
    const gone = new Set(wave)
    left = left.filter((item) => !gone.has(item))
  }
}

function breakers<Item, Key>(
  ring: readonly Item[],
  keyOf: (item: Item) => Key,
  needs: (item: Item) => readonly Key[],
): readonly Item[] {
  const before = new Set<Key>()
  return ring.filter((item) => {
    const isWaiting = needs(item).some((key) => before.has(key))
    before.add(keyOf(item))
    return !isWaiting
  })
}

/** The first that ends behind `offset`. */
function firstBehind(spans: readonly Span[], offset: number): number {
  let low = 0
  let high = spans.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const span = spans[middle]
    if (span !== undefined && span.offset + span.length <= offset) low = middle + 1
    else high = middle
  }
  return low
}
