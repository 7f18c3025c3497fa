/** One row of the fuzz table. */
export type Decoder = {
  /** Of its folder in fixtures/corpus/. */
  readonly name: string
  readonly decode: (bytes: Uint8Array) => void
  /** Valid inputs, to be damaged. */
  readonly seeds: readonly Uint8Array[]
}

/** An input of plain text. */
export function text(s: string): Uint8Array {
  return Uint8Array.from(Buffer.from(s, 'latin1'))
}
