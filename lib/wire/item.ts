/** What is asked for an entry, and the answer's beginning: the same bytes. prsync-protocol(7), one item. */
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import {
  readShort,
  readVarint,
  readVstring,
  writeShort,
  writeVarint,
  writeVstring,
} from './ints.js'

export const BASIS_FOLLOWS = 0x0800
export const XNAME_FOLLOWS = 0x1000

/** Which file of the receiver is compared: 0 … 0x7f are directories of --link-dest and the like. */
export const BASIS = { file: 0x80, partial: 0x81, backup: 0x82, fuzzy: 0x83 } as const

export type Item = {
  /** plan/iflags ITEM. */
  readonly iflags: number
  readonly basis: number
  /** One char per byte; null: none. */
  readonly xname: string | null
}

const TRANSFER: Item = { iflags: 0x8000, basis: BASIS.file, xname: null }

/** Before protocol 29 every item is a transfer. */
export function readItem(c: Cursor, protocol: number): Item {
  if (protocol < 29) return TRANSFER
  const iflags = readShort(c)
  const basis = (iflags & BASIS_FOLLOWS) === 0 ? BASIS.file : c.u8()
  const xname = (iflags & XNAME_FOLLOWS) === 0 ? null : readVstring(c)
  if (xname !== null && xname.length > LIMITS.nameBytes)
    throw new WireError(`a name of ${xname.length} bytes`, { at: 'item' })
  return { iflags, basis, xname }
}

export function writeItem(w: Writer, item: Item, protocol: number): void {
  if (protocol < 29) return
  writeShort(w, item.iflags)
  if ((item.iflags & BASIS_FOLLOWS) !== 0) w.u8(item.basis)
  if ((item.iflags & XNAME_FOLLOWS) !== 0) writeVstring(w, item.xname ?? '')
}

/** The flags with what follows them. */
export function itemOf(iflags: number, basis: number, xname: string | null): Item {
  return {
    iflags:
      iflags | (basis === BASIS.file ? 0 : BASIS_FOLLOWS) | (xname === null ? 0 : XNAME_FOLLOWS),
    basis,
    xname,
  }
}

/** Extended attributes whose values are wanted: their numbers, from 1. prsync-protocol(7), xattr values on demand. */
export function readXattrWants(c: Cursor): readonly number[] {
  // Each once: a few bytes must not have the same long value sent again and again.
  const wants = new Set<number>()
  let at = 0
  for (let apart = readVarint(c); apart !== 0; apart = readVarint(c)) {
    at += apart
    if (at < 1 || wants.has(at) || wants.size >= LIMITS.xattrItems)
      throw new WireError(`attribute ${at}`, { at: 'xattr request' })
    wants.add(at)
  }
  return [...wants]
}
export function writeXattrWants(w: Writer, wants: readonly number[]): void {
  let before = 0
  for (const want of wants) {
    writeVarint(w, want - before)
    before = want
  }
  w.u8(0)
}

export type XattrAnswer = { readonly item: number; readonly value: string }
export function readXattrAnswers(c: Cursor): XattrAnswer[] {
  const answers: XattrAnswer[] = []
  let item = 0
  let bytes = 0
  for (let apart = readVarint(c); apart !== 0; apart = readVarint(c)) {
    item += apart
    const length = readVarint(c)
    bytes += length
    const isTooMuch = length > LIMITS.xattrValueBytes || bytes > LIMITS.xattrAnswerBytes
    if (length < 0 || isTooMuch || answers.length >= LIMITS.xattrItems)
      throw new WireError(`attribute of ${length} bytes`, { at: 'xattr answer' })
    answers.push({ item, value: c.latin1(length) })
  }
  return answers
}
export function writeXattrAnswers(w: Writer, answers: readonly XattrAnswer[]): void {
  let before = 0
  for (const { item, value } of answers) {
    writeVarint(w, item - before)
    writeVarint(w, value.length)
    w.latin1(value)
    before = item
  }
  w.u8(0)
}
