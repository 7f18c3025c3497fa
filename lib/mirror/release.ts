/**
 * What is placed on volunteers that come and go: the files that came in one snapshot, an image alone or packages together. Named so
 * that both ends find the same files in the same pages, whatever their number; and a release has less of them as they are replaced.
 * Names are one char a byte.
 */
import type { Release } from './placement.js'
import { keptHere } from './redirectable.js'

export type ReleaseRef = {
  readonly module: string
  /** The sequence in which its files came to their names. */
  readonly since: number
  /** The first of its names and the last, in byte order; the same: an image. */
  readonly from: string
  readonly to: string
}
export type PublishedFile = {
  readonly name: string
  readonly bytes: number
  readonly since: number
}

/** From it on a file is an image, and a release of its own. */
export const IMAGE_BYTES = 64 << 20
/** Packages are divided into releases of about so many bytes, so that they fit, and find those who ask for them. */
const PACKAGES_BYTES = 1 << 30

export function isOfRelease(ref: ReleaseRef, file: PublishedFile): boolean {
  const { since, from, to } = ref
  if (file.since !== since || file.name < from || file.name > to) return false
  return keptHere(file.name, file.bytes) === null && (from === to || file.bytes < IMAGE_BYTES)
}
/** May the directory have files of it? */
export function mayLieBelow({ from, to }: ReleaseRef, directory: string): boolean {
  const below = directory === '' ? '' : `${directory}/`
  return to >= below && (from.startsWith(below) || from < below)
}

export function releaseId({ module, since, from, to }: ReleaseRef): string {
  return `${module}/${since}/${from}/${to}`
}

/**
 * How what came in a snapshot is divided. Decided once: what is replaced later makes a release smaller, and moves no bounds.
 * @param files of one module and sequence, in any order; those that clients are not sent away for are in none
 */
export function dividedReleases(module: string, files: readonly PublishedFile[]): ReleaseRef[] {
  const movable = files.filter(({ name, bytes }) => keptHere(name, bytes) === null)
  const images: ReleaseRef[] = []
  const groups: ReleaseRef[] = []
  let left = 0
  for (const { name, bytes, since } of movable.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const alone = { module, since, from: name, to: name }
    const group = groups.at(-1)
    if (bytes >= IMAGE_BYTES) images.push(alone)
    else if (group !== undefined && bytes <= left) {
      groups[groups.length - 1] = { ...group, to: name }
      left -= bytes
    } else {
      groups.push(alone)
      left = PACKAGES_BYTES - bytes
    }
  }
  return [...images, ...groups]
}

/** @param files of its module, or some of them; null: nothing of it is left */
export function weighed(
  ref: ReleaseRef,
  files: readonly PublishedFile[],
): Pick<Release, 'kind' | 'bytes'> | null {
  let bytes = 0
  for (const file of files) if (isOfRelease(ref, file)) bytes += file.bytes
  if (bytes === 0) return null
  return { bytes, kind: ref.from === ref.to && bytes >= IMAGE_BYTES ? 'image' : 'packages' }
}
