/** MD4 in plain TypeScript (RFC 1320): Node's OpenSSL no longer has it. For short messages. */

const SHIFTS = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
] as const
const THIRD_ORDER = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]

export function md4(message: Uint8Array): Uint8Array {
  const padded = Buffer.alloc(Math.ceil((message.length + 9) / 64) * 64)
  padded.set(message)
  padded[message.length] = 0x80
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8)
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476)
  for (let at = 0; at < padded.length; at += 64) compress(state, padded.subarray(at, at + 64))
  const out = Buffer.alloc(16)
  for (const [i, word] of state.entries()) out.writeInt32LE(word, i * 4)
  return out
}

function compress(state: Int32Array, chunk: Buffer): void {
  let [a = 0, b = 0, c = 0, d = 0] = state
  for (let i = 0; i < 48; i++) {
    const round = i >> 4
    const place = round === 0 ? i : round === 1 ? (i & 3) * 4 + ((i >> 2) & 3) : THIRD_ORDER[i - 32]
    const mixed =
      round === 0
        ? (b & c) | (~b & d)
        : round === 1
          ? ((b & c) | (b & d) | (c & d)) + 0x5a827999
          : (b ^ c ^ d) + 0x6ed9eba1
    const sum = (a + mixed + chunk.readInt32LE((place ?? 0) * 4)) | 0
    const shift = SHIFTS[round]?.[i & 3] ?? 0
    const turned = (sum << shift) | (sum >>> (32 - shift))
    ;[a, b, c, d] = [d, turned, b, c]
  }
  for (const [i, word] of [a, b, c, d].entries()) state[i] = (state[i] ?? 0) + word
}
