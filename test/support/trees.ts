/** Two directories side by side, as `rsync -aHn` would: names as bytes, kinds, modes, owners, times, targets, links, bytes. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

const PRIVATE = '.~prsync~'
/** Times are set to the microsecond where koffi has no binary. */
const TIME_STEP_NS = process.env['PRSYNC_NO_LIBC'] === '1' ? 1000n : 1n

/** What differs, a line each; nothing when they are equal. */
export function differences(a: string, b: string): string[] {
  const found: string[] = []
  const groups = { a: new Map<bigint, string>(), b: new Map<bigint, string>() }
  const visit = (name: string): void => {
    const left = look(a, name)
    const right = look(b, name)
    if (left === null || right === null) {
      found.push(`${name}: only in ${left === null ? 'the second' : 'the first'}`)
      return
    }
    if (left.mtimeNs / TIME_STEP_NS !== right.mtimeNs / TIME_STEP_NS)
      found.push(`${name}: mtimeNs ${left.mtimeNs} ${right.mtimeNs}`)
    for (const field of ['mode', 'uid', 'gid'] as const)
      if (left[field] !== right[field])
        found.push(`${name}: ${field} ${left[field]} ${right[field]}`)
    if (left.isDirectory() && right.isDirectory()) {
      for (const base of new Set([...list(a, name), ...list(b, name)])) visit(`${name}/${base}`)
      return
    }
    if (left.size !== right.size) found.push(`${name}: size ${left.size} ${right.size}`)
    else if (left.isFile() && !read(a, name).equals(read(b, name))) found.push(`${name}: bytes`)
    if (left.isSymbolicLink() && target(a, name) !== target(b, name)) found.push(`${name}: target`)
    if (left.rdev !== right.rdev) found.push(`${name}: device`)
    if (left.nlink > 1n || right.nlink > 1n) {
      const [first, second] = [leader(groups.a, left.ino, name), leader(groups.b, right.ino, name)]
      if (first !== second) found.push(`${name}: linked to ${first} and ${second}`)
    }
  }
  visit('.')
  return found
}

function leader(groups: Map<bigint, string>, ino: bigint, name: string): string {
  const first = groups.get(ino) ?? name
  groups.set(ino, first)
  return first
}
function path(top: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${top}/`), Buffer.from(name, 'latin1')])
}
function look(top: string, name: string) {
  return lstatSync(path(top, name), { bigint: true, throwIfNoEntry: false }) ?? null
}
function list(top: string, name: string): string[] {
  return readdirSync(path(top, name), 'latin1').filter((base) => base !== PRIVATE)
}
function read(top: string, name: string): Buffer {
  return readFileSync(path(top, name))
}
function target(top: string, name: string): string {
  return readlinkSync(path(top, name), 'latin1')
}
