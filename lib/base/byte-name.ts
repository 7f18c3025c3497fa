/**
 * A file name as bytes: a string of one char per byte ('latin1'), so that names that are not UTF-8 survive and
 * JavaScript's `<` is byte order. Relative to a tree, `/` between components, `.` for the tree itself.
 */

import type { Brand } from './brand.js'
import { bytesOf, latin1Of, utf8Bytes } from './bytes.js'
import { LIMITS } from './limits.js'

export type ByteName = Brand<string, 'ByteName'>

/** The tree itself. */
export const ROOT_NAME = '.' as ByteName

/** Takes a name as the kernel gives it: one char per byte. It is not checked: for names from our own disk. */
export function byteName(latin1: string): ByteName {
  return latin1 as ByteName
}

/** Why a name from outside may not be used, or null: it must be relative, plain, and stay inside. */
export function nameFault(latin1: string): string | null {
  if (latin1.length === 0) return 'empty name'
  if (latin1.length > LIMITS.nameBytes) return `name of ${latin1.length} bytes`
  if (latin1.includes('\0')) return 'name with a NUL byte'
  // not split: each name that comes from outside is looked at
  for (let from = 0; from <= latin1.length; ) {
    const slash = latin1.indexOf('/', from)
    const end = slash < 0 ? latin1.length : slash
    const length = end - from
    if (length === 0) return 'name that is absolute or has an empty component'
    if (latin1[from] === '.' && (length === 1 || (length === 2 && latin1[from + 1] === '.')))
      return `name with the component '${latin1.slice(from, end)}'`
    if (length > LIMITS.componentBytes) return `component of ${length} bytes`
    from = end + 1
  }
  return null
}

/** Why one component from outside may not be used, or null. */
export function componentFault(latin1: string): string | null {
  return latin1.includes('/') ? "component with a '/'" : nameFault(latin1)
}

export function nameOfUtf8(text: string): ByteName {
  return latin1Of(utf8Bytes(text)) as ByteName
}
export function nameBytes(name: ByteName): Uint8Array {
  return bytesOf(name)
}

/** `directory`/`component`, where the tree itself adds nothing. */
export function joinName(directory: ByteName, component: string): ByteName {
  return (directory === ROOT_NAME ? component : `${directory}/${component}`) as ByteName
}
/** The directory a name stands in. */
export function directoryOf(name: ByteName): ByteName {
  const slash = name.lastIndexOf('/')
  return slash < 0 ? ROOT_NAME : (name.slice(0, slash) as ByteName)
}
/** The last component. */
export function baseOf(name: ByteName): string {
  return name.slice(name.lastIndexOf('/') + 1)
}
/** Is `name` the directory itself or below it? */
export function isWithin(name: ByteName, directory: ByteName): boolean {
  return directory === ROOT_NAME || name === directory || name.startsWith(`${directory}/`)
}

/** Byte order. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** For a person: UTF-8 where it is, and rsync's \#ooo for every byte that a terminal should not see. */
export function displayName(name: string): string {
  const text = Buffer.from(name, 'latin1').toString('utf8')
  const whole = !text.includes('\ufffd')
  return whole
    ? text.replace(/[^\P{Cc}\t]/gu, (c) => [...Buffer.from(c, 'utf8')].map(escapeByte).join(''))
    : name.replace(/[^\t\u0020-\u007e]/g, (c) => escapeByte(c.charCodeAt(0)))
}
function escapeByte(byte: number): string {
  return `\\#${byte.toString(8).padStart(3, '0')}`
}
