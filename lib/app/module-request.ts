/** A client's request as its module allows it. rsyncd.conf(5). */
import { FileError, type PrsyncError, UnsupportedError, UsageError } from '../base/errors.js'
import { compileGlob } from '../flist/wildmatch.js'
import { expandPath } from '../io/expand-paths.js'
import { kindOfPath, trustedPath } from '../io/operator.js'
import type { Options } from '../options/options.js'
import { type ServerRequest, serverRequest } from '../options/server-request.js'
import { contained } from '../rsync/module-paths.js'
import type { ModuleSetting } from '../rsync/module-setting.js'

export type Allowed = { readonly request: ServerRequest; readonly refusal: PrsyncError | null }

/** In the module's directory. @param argv of the client, one char per byte @throws {UsageError} */
export function allowedRequest(
  argv: readonly string[],
  module: ModuleSetting,
  refusal: string | null,
  now: Date,
): Allowed {
  const asked = serverRequest(tamed(argv, module.maxVerbosity), now)
  const { isSender } = asked
  const paths = isSender
    ? asked.paths.flatMap((path) => expandPath(path, compileGlob))
    : asked.paths
  const target = paths[0] ?? '.'
  try {
    const options = optionsIn(asked.options, module, isSender, target)
    if (!isSender) trustedPath(target)
    const request = { ...asked, options, paths }
    return { request, refusal: refusalOf(module, isSender, refusal) }
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    return { request: { ...asked, paths }, refusal: error }
  }
}

function refusalOf(
  module: ModuleSetting,
  isSender: boolean,
  refusal: string | null,
): PrsyncError | null {
  if (refusal !== null) return new UnsupportedError(refusal)
  if (module.readOnly && !isSender) return new UsageError('module is read only')
  if (module.writeOnly && isSender) return new UsageError('module is write only')
  return null
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
  const suffixes = module.dontCompress
    .split(/\s+/)
    .flatMap((pattern) => /^\*\.([^*?[\]]+)$/.exec(pattern)?.[1] ?? [])
  return {
    ...options,
    timeoutMs: isShorter ? timeoutMs : options.timeoutMs,
    chmod: chmod === '' ? options.chmod : [...options.chmod, chmod],
    fakeSuper: options.fakeSuper || module.fakeSuper,
    mungeLinks: options.mungeLinks || module.mungeSymlinks,
    ignoreErrors: options.ignoreErrors || module.ignoreErrors,
    openNoAtime: module.openNoatime ?? options.openNoAtime,
    insecureLinks: module.insecureLinks,
    // The module is the boundary, and these are a client's words.
    confineRoot: null,
    keepDirlinks: options.keepDirlinks && module.insecureLinks,
    skipCompress: suffixes.length > 0 ? suffixes.join('/') : options.skipCompress,
    filesFrom: filesFrom === '-' ? filesFrom : within(filesFrom),
    tempDir: module.tempDir === '' ? within(options.tempDir) : module.tempDir,
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
