/** Requests that stand open, as a list in the order they were asked: answers mostly come in it, so the first look finds. */

/** The library's names for handle, begin and length. */
export type Asked = { readonly piece: number; readonly offset: number; readonly length: number }

export function indexOf(
  list: readonly Asked[],
  piece: number,
  offset: number,
  length: number,
): number {
  for (let i = 0; i < list.length; i++) {
    const one = list[i]
    if (one?.piece === piece && one.offset === offset && one.length === length) return i
  }
  return -1
}

/** Takes the first such one out, keeping the order; false when there is none. */
export function removed(list: Asked[], piece: number, offset: number, length: number): boolean {
  const at = indexOf(list, piece, offset, length)
  if (at >= 0) list.splice(at, 1)
  return at >= 0
}
