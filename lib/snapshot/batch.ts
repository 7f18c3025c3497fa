/**
 * Many contents in one answer: what a node asks the centre for when it has a list of roots. Pages come deflated against
 * the page they replace, so that the cost follows the change. Laid down in prsync-snapshot(5) BATCHES.
 */
import { Cursor, Underflow, Writer } from '../base/bytes.js'
import { assertNever, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { type ContentId, ROOT_BYTES, type Root, rootOf } from '../hash/root.js'

export type BatchItem = {
  readonly content: ContentId
  /** A page the asker has, likely to resemble this one; null: none. */
  readonly basis: Root | null
}

/** How a content comes: as it is, as raw deflate (RFC 1951), as raw deflate with the basis as dictionary, or not at all. */
export type BatchForm = 'missing' | 'plain' | 'deflated' | 'against-basis'
const FORMS: readonly BatchForm[] = ['missing', 'plain', 'deflated', 'against-basis']

export type BatchPart = { readonly form: BatchForm; readonly bytes: Uint8Array }

export function encodeBatchRequest(items: readonly BatchItem[]): Uint8Array {
  const out = new Writer(16 + items.length * 72)
  out.varint(items.length)
  for (const { content, basis } of items) {
    out.varint(content.length)
    out.latin1(content.root)
    out.u8(basis === null ? 0 : 1)
    if (basis !== null) out.latin1(basis)
  }
  return out.done()
}

/** @throws {WireError} */
export function decodeBatchRequest(bytes: Uint8Array): BatchItem[] {
  return whole(bytes, (from) => {
    const count = from.varint()
    if (count > LIMITS.batchContents) throw new WireError(`batch of ${count} contents`)
    const items: BatchItem[] = []
    for (let i = 0; i < count; i++) {
      const length = from.varint()
      if (length === 0 || length > LIMITS.batchBytes)
        throw new WireError(`batch: content of ${length} bytes`)
      const root = rootOf(from.view(ROOT_BYTES))
      const flag = from.u8()
      if (flag > 1) throw new WireError(`batch: flag ${flag}`)
      items.push({
        content: { length, root },
        basis: flag === 1 ? rootOf(from.view(ROOT_BYTES)) : null,
      })
    }
    return items
  })
}

/** One part of the answer; parts come in the order of the request. */
export function encodeBatchPart(part: BatchPart): Uint8Array {
  const out = new Writer(16 + part.bytes.length)
  out.u8(FORMS.indexOf(part.form))
  out.varint(part.bytes.length)
  out.put(part.bytes)
  return out.done()
}

/**
 * @param most the longest part that makes sense
 * @throws {Underflow} when more bytes are needed
 * @throws {WireError}
 */
export function decodeBatchPart(from: Cursor, most: number): BatchPart {
  const form = FORMS[from.u8()]
  if (form === undefined) throw new WireError('batch: part of unknown form')
  const length = from.varint()
  if (length > most) throw new WireError(`batch: part of ${length} bytes`)
  return { form, bytes: from.view(length) }
}

/** The bytes a part stands for, given how to inflate. */
export function unpackBatchPart(
  part: BatchPart,
  content: ContentId,
  basis: Uint8Array | null,
  inflate: (bytes: Uint8Array, most: number, dictionary: Uint8Array | null) => Uint8Array,
): Uint8Array | null {
  switch (part.form) {
    case 'missing':
      return null
    case 'plain':
      return part.bytes
    case 'deflated':
      return inflate(part.bytes, content.length, null)
    case 'against-basis':
      if (basis === null) throw new WireError('batch: deflated against a page nobody named')
      return inflate(part.bytes, content.length, basis)
    default:
      return assertNever(part.form)
  }
}

function whole<T>(bytes: Uint8Array, decode: (from: Cursor) => T): T {
  const from = new Cursor(bytes)
  try {
    const value = decode(from)
    if (from.left > 0) throw new WireError(`batch with ${from.left} bytes too many`)
    return value
  } catch (error) {
    if (error instanceof Underflow) throw new WireError('batch ends too early', { cause: error })
    throw error
  }
}
