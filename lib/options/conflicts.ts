/** Options that contradict each other, and values that none of them takes. rsync(1); the words are the ones scripts know. */
import { UnsupportedError, UsageError } from '../base/errors.js'
import type { Flags } from './flags.js'
import type { Options } from './options.js'

/** Who reads the options: of a local copy, of a client through a remote shell or a daemon, or the server of one. */
export type Role = 'local' | 'shell' | 'daemon' | 'server'

const CHECKSUMS = ['auto', 'xxh128', 'xxh3', 'xxh64', 'xxhash', 'md5', 'md4', 'sha1', 'none']
const COMPRESSIONS = ['auto', 'zstd', 'lz4', 'zlibx', 'zlib', 'none']
const NUMBERS = ['port', 'contimeout', 'compress-level', 'compress-threads', 'protocol']

/** @throws {UsageError} {UnsupportedError} */
export function checkConflicts(flags: Flags, o: Options, role: Role): void {
  updating(flags, o)
  keeping(flags, o, role)
  maps(flags)
  sums(flags, o)
  confining(flags)
  connecting(flags, o, role)
  batches(flags, o)
}

function updating(flags: Flags, o: Options): void {
  if (o.append !== 'no' && flags.said('whole-file') && flags.on('whole-file'))
    fail('--append cannot be used with --whole-file')
  const name = o.append === 'no' ? 'inplace' : 'append'
  if (o.inplace && flags.on('delay-updates')) fail(`--${name} cannot be used with --delay-updates`)
  if (o.inplace && flags.text('partial-dir') !== null)
    fail(`--${name} cannot be used with --partial-dir`)
}

function keeping(flags: Flags, o: Options, role: Role): void {
  if (o.deleting !== null && !o.recursive && !o.dirs)
    fail('--delete does not work without --recursive (-r) or --dirs (-d).')
  const given = (['before', 'during', 'delay', 'after'] as const).filter((t) =>
    flags.on(`delete-${t}`),
  )
  const kinds = new Set(given.map((t) => (t === 'delay' ? 'during' : t)))
  if (kinds.size > 1) fail('You may not combine multiple --delete-WHEN options.')
  if (o.suffix.includes('/')) fail(`--suffix cannot contain slashes: ${o.suffix}`)
  if (o.backup && o.suffix === '') {
    if (o.backupDir === null) fail('--suffix cannot be empty without a --backup-dir')
    if (/^(\.?\/*)*$/.test(o.backupDir ?? '') && !o.backupDir?.startsWith('/'))
      fail('--suffix cannot be empty when --backup-dir is the same as the dest dir')
  }
  // Where attributes of other kinds have another meaning, all of them cannot be had; a local copy has both sides.
  const isFake = o.fakeSuper || (role === 'local' && o.fakeSuperThere)
  if (isFake && o.xattrs > 1) fail('--fake-super conflicts with -XX')
  const dests = flags.all.filter((f) => /^(compare|copy|link)-dest$/.test(f.name))
  const [first] = dests
  const other = dests.find((f) => f.name !== first?.name)
  if (first !== undefined && other !== undefined)
    fail(`ERROR: the --${other.name} option conflicts with the --${first.name} option`)
  if (dests.length > 20) fail(`ERROR: at most 20 --${first?.name ?? ''} args may be specified`)
}

function batches(flags: Flags, o: Options): void {
  const { batch } = o
  const isRead = flags.text('read-batch') !== null
  const isWritten = flags.said('write-batch') || flags.said('only-write-batch')
  if (isRead && isWritten) fail('--write-batch and --read-batch can not be used together')
  if (isRead && o.filesFrom !== null) fail('--read-batch cannot be used with --files-from')
  if (isRead && o.removeSourceFiles) fail('--read-batch cannot be used with --remove-source-files')
  if (batch === null || batch.kind === 'read') return
  // Readers of a batch are not told which they are.
  const said = [
    ['checksum', o.checksumChoice, /^md5(,md5)?$|^auto$/],
    ['compress', o.compress?.choice ?? null, /^zlib$/],
  ] as const
  for (const [name, choice, known] of said)
    if (choice !== null && !known.test(choice))
      throw new UnsupportedError(`--${name}-choice=${choice} cannot be written in a batch`)
}

/** `--chown` is a map of everybody: each side of it once, and no map beside it. */
function maps(flags: Flags): void {
  const seen = { usermap: '', groupmap: '' }
  const take = (map: 'usermap' | 'groupmap', by: string): void => {
    const kind = map === 'usermap' ? 'user' : 'group'
    if (seen[map] === by)
      fail(
        by === 'chown'
          ? `You can only specify a ${kind}-affecting --chown once.`
          : `You can only specify --${map} once.`,
      )
    if (seen[map] !== '') fail(`--${by} conflicts with prior --${by === 'chown' ? map : 'chown'}.`)
    seen[map] = by
  }
  for (const { name, value } of flags.all) {
    if (name === 'usermap' || name === 'groupmap') take(name, name)
    if (name !== 'chown') continue
    const [user = '', group = ''] = (value ?? '').split(':')
    if (user !== '') take('usermap', 'chown')
    if (group !== '') take('groupmap', 'chown')
  }
}

function sums(flags: Flags, o: Options): void {
  for (const choice of flags.texts('checksum-choice')) {
    const comma = choice.indexOf(',')
    const names = comma < 0 ? [choice] : [choice.slice(0, comma), choice.slice(comma + 1)]
    for (const name of names)
      if (!CHECKSUMS.includes(name.toLowerCase()))
        throw new UnsupportedError(`unknown checksum name: ${name}`)
    if (o.checksum && names.at(-1)?.toLowerCase() === 'none')
      throw new UnsupportedError('Invalid checksum-choice for --checksum: none')
  }
  for (const name of flags.texts('compress-choice'))
    if (!COMPRESSIONS.includes(name.toLowerCase()))
      throw new UnsupportedError(`unknown compress name: ${name}`)
}

function confining(flags: Flags): void {
  const root = flags.text('confine-root')
  if (root === null) return
  if (!root.startsWith('/')) fail('--confine-root must be an absolute path')
  if (flags.on('insecure-links')) fail('--insecure-links cannot be combined with --confine-root')
}

/** A local copy has no use for most of these, but a value that is wrong is wrong. */
function connecting(flags: Flags, o: Options, role: Role): void {
  for (const name of NUMBERS) flags.integer(name)
  if (o.oldArgs > 0 && o.secludedArgs) fail('--secluded-args conflicts with --old-args.')
  for (const mode of flags.texts('stderr'))
    if (mode === '' || !['errors', 'all', 'client'].some((word) => word.startsWith(mode)))
      fail(`--stderr mode "${mode}" is not one of errors, all, or client`)
  for (const option of flags.texts('remote-option'))
    if (!option.startsWith('-')) fail(`Remote option must start with a dash: ${option}`)
  if (role === 'daemon') return
  if (o.passwordFile !== null)
    fail('The --password-file option may only be used when accessing an rsync daemon.')
  if (o.contimeoutMs > 0)
    fail('The --contimeout option may only be used when connecting to an rsync daemon.')
}

function fail(message: string): never {
  throw new UsageError(message)
}
