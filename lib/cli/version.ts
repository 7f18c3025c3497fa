/** What this program says of itself: its version, and what it can, in the words that scripts look for in rsync's. */
import { readFileSync } from 'node:fs'
import { ABILITIES } from '../app/abilities.js'

export function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  const parsed: unknown = JSON.parse(text)
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed
    ? String(parsed.version)
    : '0'
}

/** Keys of `rsync -VV`, in its order; what is false has to be `no …` in the text. */
const CAPABILITIES: Readonly<Record<string, boolean | number | string>> = {
  file_bits: 64,
  inum_bits: 64,
  timestamp_bits: 64,
  long_int_bits: 64,
  socketpairs: false,
  symlinks: true,
  symtimes: true,
  hardlinks: true,
  hardlink_specials: true,
  hardlink_symlinks: true,
  IPv6: true,
  atimes: true,
  batchfiles: true,
  inplace: true,
  append: true,
  ACLs: true,
  ACL_at: true,
  xattrs: true,
  secluded_args: 'optional',
  iconv: true,
  prealloc: true,
  stop_at: true,
  crtimes: false,
}
/** Block sums are WebAssembly with SIMD; sums of whole files are OpenSSL's where it has them. */
const OPTIMIZATIONS = { SIMD_roll: true, asm_roll: false, openssl_crypto: true, asm_MD5: false }

/** `--version`. */
export function versionText(): string {
  return `prsync  version ${version()}  protocol version ${ABILITIES.protocol}
Capabilities:
${inLines(wordsOf(CAPABILITIES))}
Optimizations:
${inLines(wordsOf(OPTIMIZATIONS))}
Checksum list:
    ${ABILITIES.checksums.join(' ')}
Compress list:
    ${ABILITIES.compressors.join(' ')}
Daemon auth list:
    ${ABILITIES.authDigests.join(' ')}
`
}
function wordsOf(abilities: Readonly<Record<string, boolean | number | string>>): string[] {
  return Object.entries(abilities).map(([key, can]) => {
    const word = key.replaceAll('_', '-')
    if (typeof can === 'number') return `${can}-bit ${BITS.get(key) ?? word}`
    return can === false ? `no ${word}` : can === true ? word : `${can} ${word}`
  })
}
const BITS: ReadonlyMap<string, string> = new Map([
  ['file_bits', 'files'],
  ['inum_bits', 'inums'],
  ['timestamp_bits', 'timestamps'],
  ['long_int_bits', 'long ints'],
])
function inLines(words: readonly string[]): string {
  const lines: string[] = []
  let line = ''
  for (const word of words) {
    if (line.length + word.length > 74) {
      lines.push(`${line},`)
      line = ''
    }
    line += line === '' ? `    ${word}` : `, ${word}`
  }
  return [...lines, line].join('\n')
}

/** `--version --version`. */
export function versionJson(): string {
  const report = {
    program: 'prsync',
    version: version(),
    protocol: `${ABILITIES.protocol}.0`,
    copyright: 'the authors of prsync',
    url: '',
    capabilities: CAPABILITIES,
    optimizations: OPTIMIZATIONS,
    checksum_list: ABILITIES.checksums,
    compress_list: ABILITIES.compressors,
    daemon_auth_list: ABILITIES.authDigests,
    license: 'MIT',
    caveat: 'prsync comes with ABSOLUTELY NO WARRANTY',
  }
  return `${JSON.stringify(report, null, 2)}\n`
}
