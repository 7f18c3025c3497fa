/** A client's request as its module allows it. rsyncd.conf(5). */
import { FileError, PrsyncError, UnsupportedError, UsageError } from '../base/errors.js'
import { compileGlob } from '../flist/wildmatch.js'
import { expandPath } from '../io/expand-paths.js'
import { kindOfPath, trustedPath } from '../io/operator.js'
import type { Options } from '../options/options.js'
import { type ServerRequest, serverRequest } from '../options/server-request.js'
import { contained } from '../rsync/module-paths.js'
import type { ModuleSetting } from '../rsync/module-setting.js'
import { COMPRESSORS } from '../wire/negotiate.js'
import type { Hides } from './hidden-names.js'

export type Allowed = { readonly request: ServerRequest; readonly refusal: PrsyncError | null }

/** In the module's directory. @param argv of the client, one char per byte @throws {UsageError} */
export function allowedRequest(
  argv: readonly string[],
  module: ModuleSetting,
  {
    refusal,
    bwlimit,
    hides,
  }: {
    readonly refusal: string | null
    readonly bwlimit: number
    readonly hides: Hides | null
  },
  now: Date,
): Allowed {
  const { asked, fault } = understood(tamed(argv, module.maxVerbosity), now)
  const why = refusal ?? fault ?? missingCompressor(asked)
  if (why !== null) return refused(asked, why)
  const { isSender } = asked
  const root = module.path === '/' ? '' : module.path
  const paths = isSender
    ? asked.paths.flatMap((path) =>
        expandPath(path, compileGlob, (each) => hides?.(`${root}/${each}`, false, true) !== true),
      )
    : asked.paths.map((path) => inRoot(path, module))
  const target = paths[0] ?? '.'
  try {
    const paced = { ...asked.options, bwlimit: least(asked.options.bwlimit, bwlimit) }
    const options = optionsIn(paced, module, isSender, target)
    if (!isSender) trustedPath(target)
    const request = { ...asked, options, paths }
    return { request, refusal: refusalOf(module, options, isSender) }
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    return { request: { ...asked, paths }, refusal: error }
  }
}

/** Where the module is all there is, a destination is told as it stands there. */
function inRoot(path: string, module: ModuleSetting): string {
  return module.path === '/' && path !== '.' && !path.startsWith('/') ? `/${path}` : path
}

/** Of two limits; 0 is none. */
function least(a: number, b: number): number {
  return a === 0 ? b : b === 0 ? a : Math.min(a, b)
}

function refusalOf(module: ModuleSetting, options: Options, isSender: boolean): PrsyncError | null {
  if (module.readOnly && !isSender) return new UsageError('module is read only')
  if (module.readOnly && options.removeSourceFiles)
    return new UsageError('--remove-source-files cannot be used with a read-only module')
  if (module.writeOnly && isSender) return new UsageError('module is write only')
  return null
}

/** What is not understood is left out, so that the client can be told: it listens only after the handshake. */
function understood(
  argv: readonly string[],
  now: Date,
): { readonly asked: ServerRequest; readonly fault: string | null } {
  try {
    return { asked: serverRequest(argv, now), fault: null }
  } catch (error) {
    if (!(error instanceof PrsyncError)) throw error
    const end = argv.indexOf('.')
    const known = argv.slice(0, Math.max(0, end)).filter((word) => {
      try {
        return serverRequest([word, '.', '.'], now) !== null
      } catch (cause) {
        if (!(cause instanceof PrsyncError)) throw cause
        return false
      }
    })
    const asked = serverRequest([...known, '.', '.'], now)
    return { asked, fault: `on remote machine: ${error.message}` }
  }
}
function missingCompressor({ options: { compress } }: ServerRequest): string | null {
  const choice = compress?.choice ?? null
  return choice === null || COMPRESSORS.includes(choice)
    ? null
    : `on remote machine: --compress-choice=${choice}: this machine cannot compress with ${choice}`
}
function refused(asked: ServerRequest, why: string): Allowed {
  const compress = asked.options.compress
  const options = {
    ...asked.options,
    iconv: null,
    // Named by the client, so that nothing is agreed on; nothing will be compressed.
    compress:
      compress === null || compress.choice === null ? compress : { choice: 'zlib' as const },
  }
  const request = { ...asked, options }
  return { request, refusal: new UnsupportedError(why) }
}

/** Without the letters of `-v` that are too many: `max verbosity`. */
function tamed(argv: readonly string[], most: number): readonly string[] {
  let left = most
  let isOver = false
  return argv.map((word) => {
    isOver ||= word === '.'
    if (isOver || !/^-[a-zA-Z]/.test(word)) return word
    const [letters = ''] = word.split('e', 1)
    const kept = letters.replace(/v/g, () => (left-- > 0 ? 'v' : ''))
    return kept + word.slice(letters.length)
  })
}

function optionsIn(
  options: Options,
  module: ModuleSetting,
  isSender: boolean,
  target: string,
): Options {
  const chmod = isSender ? module.outgoingChmod : module.incomingChmod
  const timeoutMs = module.timeout * 1000
  const isShorter = timeoutMs > 0 && (options.timeoutMs === 0 || options.timeoutMs > timeoutMs)
  const base = isSender ? '' : directoryOf(target)
  const within = (path: string | null): string | null =>
    path === null ? null : withinModule(path, base, module)
  const { partialDir, alternates, filesFrom } = options
  const isInEach = partialDir !== null && !partialDir.startsWith('/')
  // Of patterns that are not for all files rsync takes no notice: a stream cannot change its level.
  const isPlain = isSender && module.dontCompress.split(/\s+/).includes('*')
  return {
    ...options,
    timeoutMs: isShorter ? timeoutMs : options.timeoutMs,
    // Whatever the client calls its own: how names stand here is for the module to say.
    iconv: options.iconv === null ? null : module.charset,
    chmod: chmod === '' ? options.chmod : [...options.chmod, chmod],
    fakeSuper: options.fakeSuper || module.fakeSuper,
    mungeLinks: options.mungeLinks || module.mungeSymlinks,
    ignoreErrors: options.ignoreErrors || module.ignoreErrors,
    openNoAtime: module.openNoatime ?? options.openNoAtime,
    insecureLinks: module.insecureLinks,
    // The module is the boundary, and these are a client's words.
    confineRoot: null,
    keepDirlinks: options.keepDirlinks && module.insecureLinks,
    compressLevel: isPlain ? 0 : options.compressLevel,
    filesFrom:
      filesFrom === null || filesFrom === '-' ? filesFrom : withinModule(filesFrom, '', module),
    tempDir: module.tempDir === '' ? within(options.tempDir) : tempDirOf(module, within),
    backupDir: within(options.backupDir),
    partialDir: isInEach ? contained(partialDir) : within(partialDir),
    alternates:
      alternates === null
        ? null
        : {
            ...alternates,
            directories: alternates.directories.map((path) => withinModule(path, base, module)),
          },
  }
}

/** `/` is the module, whether or not there is a chroot; a relative one is sought from each destination on. */
function tempDirOf(
  { tempDir }: ModuleSetting,
  within: (path: string) => string | null,
): string | null {
  return tempDir.startsWith('/') ? within(tempDir) : tempDir
}

/** A path of an option, whole: from the module's root, or from where the transfer goes. @throws {FileError} that leads out of it */
function withinModule(path: string, base: string, { path: root }: ModuleSetting): string {
  const inner = contained(path.startsWith('/') ? path : `${base}/${path}`)
  return trustedPath(`${root === '/' ? '' : root}/${inner}`)
}

/** Where relative paths begin: the destination, or the directory of the file that it names. */
function directoryOf(target: string): string {
  if (target.endsWith('/') || kindOfPath(target) !== 'other') return target
  return target.includes('/') ? target.slice(0, target.lastIndexOf('/')) : ''
}
