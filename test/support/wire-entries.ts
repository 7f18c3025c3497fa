/** Entries of file lists, and terms and options to send them under, at random. */

import { byteName } from '../../lib/base/byte-name.js'
import { ACL_ACCESS, ACL_DEFAULT, formatAcl } from '../../lib/flist/posix-acl.js'
import { CHECKSUM_BYTES } from '../../lib/hash/checksum.js'
import type { FileKind } from '../../lib/host.js'
import type { WireEntry, WireXattr } from '../../lib/wire/file-entry.js'
import { COMPAT, type ListOptions, type Terms } from '../../lib/wire/terms.js'
import fc from './properties.js'

export const NO_OPTIONS: ListOptions = {
  relative: false,
  links: false,
  hardLinks: false,
  owner: false,
  group: false,
  devices: false,
  specials: false,
  atimes: false,
  checksum: false,
  acls: false,
  xattrs: false,
  numericIds: false,
  recursive: true,
}
export const ALL_OPTIONS: ListOptions = {
  ...NO_OPTIONS,
  links: true,
  hardLinks: true,
  owner: true,
  group: true,
  devices: true,
  specials: true,
}

export function termsOf(protocol: number, compat = 0, more: Partial<Terms> = {}): Terms {
  const checksum = protocol < 30 ? 'md4-old' : 'md5'
  return {
    protocol,
    compat,
    seed: 1,
    checksum,
    listChecksum: checksum,
    compressor: null,
    ...more,
  }
}

export function wireEntry(name: string, kind: FileKind): WireEntry {
  return {
    name: byteName(name),
    stands: {
      base: name.slice(name.lastIndexOf('/') + 1),
      kind,
      mode: 0o644,
      size: 0,
      mtimeNs: 0n,
      ctimeNs: 0n,
      uid: 0,
      gid: 0,
      dev: 0n,
      ino: 0n,
      nlink: 1,
      major: 0,
      minor: 0,
    },
    mode: 0o644,
    target: '',
    atimeNs: 0n,
    link: null,
    isBare: false,
    isMissing: false,
    isTop: false,
    userName: null,
    groupName: null,
    sum: null,
    xattrs: [],
  }
}

export type Session = { readonly terms: Terms; readonly options: ListOptions }

export function anySession(): fc.Arbitrary<Session> {
  const flag = fc.boolean()
  return fc
    .record({
      protocol: fc.integer({ min: 27, max: 32 }),
      incremental: flag,
      safeList: flag,
      varFlags: flag,
      id0Names: flag,
      options: fc.record({
        relative: flag,
        links: flag,
        hardLinks: flag,
        owner: flag,
        group: flag,
        devices: flag,
        specials: flag,
        atimes: flag,
        checksum: flag,
        acls: flag,
        xattrs: flag,
        numericIds: flag,
        recursive: fc.constant(true),
      }),
    })
    .map(({ protocol, options, ...flags }) => {
      const compat =
        protocol < 30
          ? 0
          : (['incremental', 'safeList', 'varFlags', 'id0Names'] as const).reduce(
              (bits, name) => (flags[name] ? bits | COMPAT[name] : bits),
              0,
            )
      const extras = protocol >= 30 ? {} : { acls: false, xattrs: false }
      return { terms: termsOf(protocol, compat), options: { ...options, ...extras } }
    })
}

const component = fc.oneof(
  fc.stringMatching(/^[a-c]{1,3}$/),
  fc
    .string({
      unit: fc.integer({ min: 1, max: 255 }).map((c) => String.fromCharCode(c)),
      minLength: 1,
      maxLength: 255,
    })
    .filter((s) => !s.includes('/') && s !== '.' && s !== '..'),
)
const anyName = fc.oneof(
  {
    arbitrary: fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    weight: 9,
  },
  { arbitrary: fc.constant('.'), weight: 1 },
)

const perm = fc.integer({ min: 0, max: 7 })
const id = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffffffff }))
const anyXattr: fc.Arbitrary<WireXattr> = fc
  .record({
    name: fc.stringMatching(/^user\.[a-z]{1,8}$/),
    value: fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  })
  .map(({ name, value }) => ({ name, value, length: value.length, digest: '' }))

/** As a kernel would have it: of an access ACL with names the mask stands in the mode. */
function anyAcl(name: string): fc.Arbitrary<(mode: number) => WireXattr> {
  return fc
    .record({
      group: perm,
      mask: perm,
      other: perm,
      user: perm,
      named: fc.uniqueArray(fc.record({ id, isUser: fc.boolean(), perm }), {
        minLength: 1,
        maxLength: 4,
        selector: (entry) => `${entry.isUser}${entry.id}`,
      }),
    })
    .map((acl) => (mode) => {
      const ofMode = { user: (mode >> 6) & 7, mask: (mode >> 3) & 7, other: mode & 7 }
      const value = formatAcl(name === ACL_ACCESS ? { ...acl, ...ofMode } : acl)
      return { name, value, length: value.length, digest: '' }
    })
}

const kinds: readonly FileKind[] = [
  'file',
  'directory',
  'symlink',
  'character',
  'block',
  'fifo',
  'socket',
]

const anyEntry = fc.record({
  name: anyName,
  kind: fc.constantFrom(...kinds),
  mode: fc.oneof(fc.constantFrom(0o644, 0o755), fc.nat(0o7777)),
  size: fc.oneof(fc.nat(5), fc.maxSafeNat()),
  seconds: fc.oneof(fc.nat(3), fc.nat(2 ** 31), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
  nanoseconds: fc.oneof(fc.constant(0), fc.nat(999_999_999)),
  atime: fc.oneof(fc.nat(3), fc.integer()),
  uid: id,
  gid: id,
  major: fc.nat(0xfff),
  minor: fc.oneof(fc.nat(300), fc.nat(0xfffff)),
  dev: fc.oneof(fc.bigInt(0n, 2n), fc.bigInt(0n, 2n ** 63n)),
  ino: fc.oneof(fc.bigInt(0n, 2n), fc.bigInt(0n, 2n ** 64n - 1n)),
  isLinked: fc.boolean(),
  isTop: fc.boolean(),
  isBare: fc.boolean(),
  isMissing: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  isRooted: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  target: fc
    .string({ unit: 'binary-ascii', minLength: 1, maxLength: 300 })
    .map((s) => s.replaceAll('\0', 'x')),
  sum: fc.uint8Array({ minLength: CHECKSUM_BYTES.md5, maxLength: CHECKSUM_BYTES.md5 }),
  xattrs: fc.uniqueArray(anyXattr, { maxLength: 3, selector: (x) => x.name }),
  access: fc.option(anyAcl(ACL_ACCESS)),
  inherited: fc.option(anyAcl(ACL_DEFAULT)),
})
type Raw = typeof anyEntry extends fc.Arbitrary<infer T> ? T : never

/** Entries as the other end knows them under these terms. */
export function anyEntries({ terms, options }: Session): fc.Arbitrary<WireEntry[]> {
  return fc
    .array(anyEntry, { maxLength: 12 })
    .map((raws) => raws.map((raw) => toldUnder(raw, terms, options)))
}

function toldUnder(raw: Raw, { protocol }: Terms, options: ListOptions): WireEntry {
  const { name, mode } = raw
  const kind = name === '.' ? 'directory' : raw.kind
  const isMissing = raw.isMissing && kind === 'file'
  const isNode = kind === 'character' || kind === 'block'
  const hasSize = kind === 'file' || kind === 'directory'
  const links = options.links && kind === 'symlink'
  const isOld = protocol < 30
  const canLink =
    options.hardLinks && (protocol < 28 ? kind === 'file' && !isMissing : kind !== 'directory')
  const isLinked = canLink && (raw.isLinked || protocol < 28)
  const isByInode = isLinked && isOld
  const seconds = isOld ? Math.abs(raw.seconds) % 2 ** 32 : raw.seconds
  const acls = options.acls && kind !== 'symlink'
  const modeSent = isMissing ? 0 : mode
  return {
    name: byteName(name),
    stands: {
      base: name.slice(name.lastIndexOf('/') + 1),
      kind,
      mode: modeSent,
      size: hasSize ? raw.size : kind === 'symlink' ? (links ? raw.target.length : 0) : 0,
      mtimeNs: BigInt(seconds) * 1_000_000_000n + BigInt(protocol < 31 ? 0 : raw.nanoseconds),
      ctimeNs: 0n,
      uid: options.owner ? raw.uid : 0,
      gid: options.group ? raw.gid : 0,
      dev: isByInode ? raw.dev : 0n,
      ino: isByInode ? raw.ino : 0n,
      nlink: isLinked ? 2 : 1,
      major: isNode && options.devices ? raw.major : 0,
      minor: isNode && options.devices ? raw.minor : 0,
    },
    mode: modeSent,
    target: links ? raw.target : '',
    atimeNs: options.atimes && kind !== 'directory' ? BigInt(raw.atime) * 1_000_000_000n : 0n,
    link: isByInode ? `${raw.dev}:${raw.ino}` : isLinked ? `${kind} ${modeSent} ${raw.ino}` : null,
    isBare: kind === 'directory' && raw.isBare,
    isMissing,
    isTop: kind === 'directory' && raw.isTop && (!isOld || !raw.isBare),
    userName: null,
    groupName: null,
    sum: options.checksum && kind === 'file' && !isMissing ? raw.sum : null,
    xattrs: [
      ...(options.xattrs ? raw.xattrs : []),
      ...(acls && raw.access !== null ? [raw.access(modeSent)] : []),
      ...(acls && raw.inherited !== null && kind === 'directory' ? [raw.inherited(modeSent)] : []),
    ],
    ...(options.relative && raw.isRooted && name !== '.' ? { isRooted: true } : {}),
  }
}
