import t from 'tap'
import { openKernel } from '../../lib/kernel/kernel.js'
import { type BlockSum, filterSlot, headOf, SUM_BYTES } from '../../lib/kernel/kernel-port.js'
import { openReference } from '../../lib/kernel/reference.js'

const counting = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i & 0xff)

/** The sum of one block, in hex, by both kernels. */
function sum(what: BlockSum, bytes: Uint8Array): readonly [string, string] {
  const hex = [openReference, openKernel].map((open) => {
    const k = open({ dataBytes: bytes.length, entries: 1 })
    k.data.set(bytes)
    const out = Buffer.alloc(20)
    k.strongSums(what, SUM_BYTES[what.algorithm], 0, bytes.length, bytes.length, out, 0, 20)
    return out.toString('hex')
  })
  return [hex[0] ?? '', hex[1] ?? '']
}
function same(
  t: { equal(a: string, b: string, name: string): unknown },
  what: BlockSum,
  bytes: Uint8Array,
  expected: string,
): void {
  const [reference, kernel] = sum(what, bytes)
  const name = `${what.algorithm}, seed ${what.seed}, ${bytes.length} bytes`
  t.equal(reference.slice(0, expected.length), expected, `reference: ${name}`)
  t.equal(kernel.slice(0, expected.length), expected, `kernel: ${name}`)
}
/** libxxhash prints numbers, rsync sends them least byte first. */
const littleEndian = (hex: string): string => Buffer.from(hex, 'hex').reverse().toString('hex')

// libxxhash 0.8.1: XXH64, XXH3_64bits_withSeed, XXH3_128bits_withSeed of bytes 0, 1, 2 … modulo 256.
const XXHASH: readonly (readonly [
  n: number,
  seed: number,
  x64: string,
  x3: string,
  x128: string,
])[] = [
  [1, 0, 'e934a84adb052768', 'c44bdff4074eecdb', 'a6cd5e9392000f6ac44bdff4074eecdb'],
  [1, 1, '771917c7f6ee2451', '5eaac1f7b17ef730', '3b3052d680068ad35eaac1f7b17ef730'],
  [1, -2000000000, '0cc41d16b38857df', '6b407ab54d5a07ce', '30e4386a8da5a6fe6b407ab54d5a07ce'],
  [3, 0, 'e5c7bb4533bc65dd', '5f4299fc161c9cbb', 'e3b55f57945a17cf5f4299fc161c9cbb'],
  [3, 1, 'a2168d89c582b451', '3b3b85a968c7f81d', 'd6a483b0e8df5a823b3b85a968c7f81d'],
  [3, -2000000000, 'd4fb4f3d00127043', '985f754751b1728b', 'ac906b7403a20b98985f754751b1728b'],
  [7, 0, '14cc643f630c72d2', '0cd2084a62406b69', '61ce291bc3a4357ddbb207821e6d5efe'],
  [7, 1, 'af4c5311c47c77b7', 'b23877d88cdc72cb', 'ec1d3af91af4e795c0f399a017b3fe2a'],
  [7, -2000000000, '5dfb3da120b48e7e', '1e23c89e0a778f10', '6ca1e001d2feada3d96c9632b3ae8e61'],
  [16, 0, '44b6ef2fb84169f7', '8355e3a6f61770db', '72950631827607e2842812cc870dcae2'],
  [16, 1, 'dd4230f47b0d28c1', 'e2d1e4053a219356', '3c251c8355f8060c97e4c109f0fac8c6'],
  [16, -2000000000, '3045d7ffe740db88', '52b723df4a52f346', '744e1efc2a06b934d27aab79aeabf449'],
  [100, 0, '6ac1e58032166597', '004e4f921a64bd1c', 'da95ef16fd9566f329b20ba5f03ec01e'],
  [100, 1, '3d19a3a2098a7023', 'ceb0d9bdf606efa6', '030398f8f67bd050563ab957ec9dbe55'],
  [100, -2000000000, 'bface7eab769e0ba', '8db6a45150c57250', '048b6dbf68bf63f6f917258997e7c42e'],
  [150, 0, '68fcd70f0703fe00', '6ce36f04dce72352', '20e3b41786ed625b5c16378865dca469'],
  [150, 1, 'c3d6f7cf6e542ca2', '4157d4ea94ef87d0', 'bc62ec9a31c914ef48ddd5936863a9ea'],
  [150, -2000000000, 'af49345ddf47ec7d', '47b4ea1b97f38037', '6c7efdd6e6cdb46964d03874a9173e14'],
  [240, 0, '012947f0da6a27b1', '375a384d957fe865', '65b5be86da5540e7c92b68e16f83bbb6'],
  [240, 1, '6dc45bf410668092', '31a14c358e824be4', 'e56fed73d92c8ab1df63dacb5e824c67'],
  [240, -2000000000, 'bc14b389f4f2b733', '630dec43787fc190', '75e213942291190bbb518de4a94ab62a'],
  [241, 0, '8d643f23bf2808e1', '02e8cd95421c6d02', '1da1cb61bcb8a2a102e8cd95421c6d02'],
  [241, 1, '3934c7a8741f6d60', 'da735d4f53476cb5', '55b1f41464ef8ee8da735d4f53476cb5'],
  [241, -2000000000, '0a81a1d1bdf9b4f7', '32ee6ed52b4b9442', 'a3f6095434467eef32ee6ed52b4b9442'],
  [1024, 0, '6f3914f18fe4df57', 'a870f92984398d22', '83885e853bb6640ca870f92984398d22'],
  [1024, 1, '3bd9fd41c5ec08c9', 'c74822a5f349cef8', '728768320d984a31c74822a5f349cef8'],
  [1024, -2000000000, '67086f166827a57b', '1c4274294d299954', '231621a518c2338a1c4274294d299954'],
  [2100, 0, '1225e1ef2a1340fd', '4db59710f7f2644e', 'dbac6e49217697a34db59710f7f2644e'],
  [2100, 1, '5acdcc43fabc5949', '689cd14cdcecf8d6', 'c41968ca89c05b0e689cd14cdcecf8d6'],
  [2100, -2000000000, '4c12e02e55290a56', '9d0153a03a842c24', 'bb07d8b0014675c59d0153a03a842c24'],
  [16384, 0, '3bd10aa43141c3ba', 'c96b04ebefa8f6dc', '5266a2381f3587fec96b04ebefa8f6dc'],
  [16384, 1, '52e93cc9e029bca5', 'ac7ac5ffea3961f7', 'f5fe0877fd10e9dcac7ac5ffea3961f7'],
  [16384, -2000000000, 'e34bf73dba6b97e8', '6a98bd3673ee38e2', '47ba554b6e4a06876a98bd3673ee38e2'],
]
t.test('xxhash equals libxxhash', async (t) => {
  for (const [n, seed, x64, x3, x128] of XXHASH) {
    const bytes = counting(n)
    same(t, { algorithm: 'xxh64', seed }, bytes, littleEndian(x64))
    same(t, { algorithm: 'xxh3', seed }, bytes, littleEndian(x3))
    same(t, { algorithm: 'xxh128', seed }, bytes, littleEndian(x128))
  }
})

// RFC 1320 A.5 and RFC 1321 A.5; an empty block does not exist.
const DIGESTS: readonly (readonly [text: string, md4: string, md5: string])[] = [
  ['a', 'bde52cb31de33e46245e05fbdbd6fb24', '0cc175b9c0f1b6a831c399e269772661'],
  ['abc', 'a448017aaf21d8525fc10ae87aa6729d', '900150983cd24fb0d6963f7d28e17f72'],
  ['message digest', 'd9130a8164549fe818874806e1c7014b', 'f96b697d7cb7938d525a2f31aaf161d0'],
  [
    'abcdefghijklmnopqrstuvwxyz',
    'd79e1c308aa5bbcdeea8ed63df412da9',
    'c3fcd3d76192e4007dfb496cca67e13b',
  ],
  [
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
    '043f8582f241db351ce627e153e7f0e4',
    'd174ab98d277d9f5a5611c2c9f419d9f',
  ],
  [
    '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
    'e33b4ddc9c38f2199c3e7b164fcc0536',
    '57edf4a22be3c955ac49da2e2107b67a',
  ],
]
t.test('md4 and md5 equal their RFCs', async (t) => {
  for (const [text, md4, md5] of DIGESTS) {
    same(t, { algorithm: 'md4', seed: 0 }, Buffer.from(text), md4)
    same(t, { algorithm: 'md5', seed: 0 }, Buffer.from(text), md5)
  }
})

t.test('seeds stand where rsync puts them', async (t) => {
  const seed = 0x201
  const data = counting(1000)
  // openssl dgst -md4 -provider legacy, of the data and 01 02 00 00
  same(t, { algorithm: 'md4', seed: 0 }, data, 'ddef918b4199515fafb1e5fc23e801c3')
  same(t, { algorithm: 'md4', seed }, data, '41d5333fab64cea1886ca395cf7da784')
  const salt = Buffer.from([1, 2, 0, 0])
  const before = sum({ algorithm: 'md5', seed: 0 }, Buffer.concat([salt, data]))
  const after = sum({ algorithm: 'md5', seed: 0 }, Buffer.concat([data, salt]))
  same(t, { algorithm: 'md5', seed }, data, before[0])
  same(t, { algorithm: 'md5', seed, seedLast: true }, data, after[0])
})

t.test('the weak sum takes bytes as signed', async (t) => {
  // bytes are signed: 0x80 counts -128
  const k = openReference({ dataBytes: 3, entries: 1 })
  k.data.set([1, 0x80, 2])
  t.equal(k.place(0, 3), ((-125 & 0xffff) | ((1 - 127 - 125) << 16)) >>> 0)
})

t.test('the scan finds each window that was entered, and says where', async (t) => {
  const k = openReference({ dataBytes: 64, entries: 4 })
  k.data.set(Uint8Array.from({ length: 64 }, (_, i) => (i * i) & 0xff))
  const wanted = [0, 17, 40].map((at) => k.place(at, 10))
  const { filter, heads, headShift, weaks, nexts } = k.table
  for (const [entry, weak] of wanted.entries()) {
    filter[filterSlot(weak)] = (filter[filterSlot(weak)] ?? 0) | (1 << (weak & 31))
    weaks[entry] = weak
    nexts[entry] = heads[headOf(weak, headShift)] ?? 0
    heads[headOf(weak, headShift)] = entry + 1
  }
  k.place(0, 10)
  t.equal(k.scan(0, 54, 10, true), 0)
  t.equal(k.scan(0, 54, 10, false), 17)
  t.equal(k.windowSum(), wanted[1])
  t.equal(k.scan(17, 54, 10, false), 40)
  t.equal(k.scan(40, 54, 10, false), 55, 'none left')
})

t.test('weak sums of blocks are those of windows', async (t) => {
  const k = openReference({ dataBytes: 25, entries: 1 })
  k.data.set(Uint8Array.from({ length: 25 }, (_, i) => i * 11))
  const out = Buffer.alloc(3 * 6)
  k.weakSums(0, 25, 10, out, 2, 6)
  t.strictSame(
    [2, 8, 14].map((at) => out.readUInt32LE(at)),
    [k.place(0, 10), k.place(10, 10), k.place(20, 5)],
  )
  t.match(
    [sum({ algorithm: 'sha1', seed: 0 }, Buffer.from('abc'))[0]],
    ['a9993e364706816aba3e25717850c26c9cd0d89d'],
  )
})
