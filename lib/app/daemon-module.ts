/** A module that a client asked for: may it come in, and what is the process then? rsyncd.conf(5). */
import { FileError, PrsyncError, StartupError, UsageError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { type FilterOption, type FilterRule, parseFilters } from '../flist/filter.js'
import type { AuthDigest } from '../hash/auth-digest.js'
import { isInside, keepWithin } from '../io/boundary.js'
import {
  canWorkIn,
  changeRoot,
  confine,
  groupNamesOf,
  groupNumber,
  groupsOfUser,
  isRoot,
  userNumber,
} from '../io/confine.js'
import { readOwned, takePlace } from '../io/daemon-files.js'
import { type DaemonLog, openDaemonLog } from '../io/daemon-log.js'
import { type LateHook, prepareLateHook, runHook } from '../io/hooks.js'
import { daemonCalls } from '../io/libc-daemon.js'
import { type NameConverter, openNameConverter } from '../io/name-converter.js'
import { addressesOfName } from '../io/names.js'
import { kindOfPath, readNamed, realPath, trustedPath } from '../io/operator.js'
import {
  type Environment,
  flagOf,
  maybeOf,
  numberOf,
  textOf,
  type Values,
} from '../options/conf.js'
import type { Choice, Visit } from '../rsync/daemon.js'
import { type Access, judgeLogin, type LoginAnswer, secretsFault } from '../rsync/daemon-auth.js'
import { mayEnter, namesToLookUp, type PeerInfo } from '../rsync/host-access.js'
import { type ModuleSetting, moduleSetting } from '../rsync/module-setting.js'
import type { Login } from '../wire/greeting.js'
import { hookCommand, moduleEnvironment } from './daemon-hooks.js'
import { type Hides, hiddenNames } from './hidden-names.js'
import type { PublishedNames } from './published-names.js'
import { type Accounts, convertedAccounts, LOCAL_ACCOUNTS, NO_ACCOUNTS } from './target-side.js'
import { openWireCharset } from './wire-charset.js'

/** Refused in the words of rsync, or open. */
export async function openModule(
  name: string,
  values: Values,
  peer: PeerInfo,
  env: Environment,
  log: DaemonLog,
): Promise<Choice<OpenModule>> {
  const rules = {
    allow: textOf(values, 'hosts allow', env),
    deny: textOf(values, 'hosts deny', env),
  }
  const found = new Map<string, readonly string[] | null>()
  if (flagOf(values, 'forward lookup'))
    for (const host of namesToLookUp(rules)) found.set(host, await addressesOfName(host))
  const from = `${peer.name} (${peer.address})`
  const inNetgroup = (group: string, host: string): boolean | null =>
    daemonCalls()?.inNetgroup(group, host) ?? null
  if (!mayEnter(rules, peer, (host) => found.get(host) ?? null, inNetgroup)) {
    log(`rsync denied on module ${name} from ${from}`)
    const text = `access denied to ${name} from ${from}`
    return { kind: 'refused', text: flagOf(values, 'list') ? text : `Unknown module '${name}'` }
  }
  log(`rsync allowed access on module ${name} from ${from}`)
  const most = numberOf(values, 'max connections')
  const full = `max connections (${most}) reached`
  const refused: Choice<OpenModule> = { kind: 'refused', text: `${full} -- try again later` }
  if (most < 0) {
    log(full)
    return refused
  }
  if (most > 0) {
    const place = takePlace(textOf(values, 'lock file', env), most)
    if (place.kind !== 'taken') {
      log(place.kind === 'full' ? full : place.why)
      return place.kind === 'full' ? refused : { kind: 'refused', text: 'failed to open lock file' }
    }
  }
  return {
    kind: 'open',
    module: new OpenModule(name, values, peer, env, log),
    terms: {
      name,
      needsLogin: textOf(values, 'auth users', env) !== '',
      digestFloor: textOf(values, 'auth digest', env),
      timeout: numberOf(values, 'timeout'),
    },
  }
}

/** What the module will need, loaded while files of the program can be reached; what is wrong is told when it is opened. */
export async function loadForModule(values: Values, env: Environment): Promise<void> {
  const iconv = textOf(values, 'charset', env) || null
  await openWireCharset({ iconv }, env).catch(() => null)
  if (textOf(values, 'published by', env) !== '') await import('./published-names.js')
}

/** The status for `post-xfer exec` of what was refused before it began: rsync's. */
const NEVER_BEGAN = 255

export class OpenModule {
  readonly name: string
  readonly values: Values
  readonly #peer: PeerInfo
  readonly #log: DaemonLog
  #env: Environment
  #late: LateHook | null = null
  #converter: NameConverter | null = null
  #published: PublishedNames | null = null
  #filters: readonly FilterRule[] = []
  /** The module's directory without links. */
  #place = ''
  #ids: { uid: number | null; gids: readonly number[] | null } = { uid: null, gids: null }

  constructor(name: string, values: Values, peer: PeerInfo, env: Environment, log: DaemonLog) {
    this.name = name
    this.values = values
    this.#peer = peer
    this.#log = log
    this.#env = moduleEnvironment(env, name, '', peer, '')
  }

  get env(): Environment {
    return this.#env
  }
  get lateHook(): LateHook | null {
    return this.#late
  }
  get #path(): string {
    return textOf(this.values, 'path', this.#env)
  }

  judge(login: Login, challenge: string, digest: AuthDigest): LoginAnswer {
    return judgeLogin({
      login,
      challenge,
      digest,
      rules: textOf(this.values, 'auth users', this.#env),
      secrets: this.#secrets(),
      groupsOf: groupNamesOf,
    })
  }

  #secrets(): { readonly text: string } | { readonly fault: string } {
    const file = textOf(this.values, 'secrets file', this.#env)
    const owned = file === '' ? null : readOwned(file)
    if (owned === null) return { fault: 'no secrets file' }
    const isStrict = flagOf(this.values, 'strict modes')
    const fault = isStrict ? secretsFault(owned.mode, owned.uid, isRoot()) : null
    return fault === null ? { text: owned.text } : { fault }
  }

  /** What the client is told where the module cannot be had; null: it can. */
  async enter(visit: Visit): Promise<string | null> {
    this.#env = moduleEnvironment(this.#env, this.name, '', this.#peer, visit.user)
    const path = this.#path
    if (path === '') return `no path setting.`
    if (!path.startsWith('/')) return `the path of ${this.name} is not absolute`
    this.#env = moduleEnvironment(this.#env, this.name, path, this.#peer, visit.user)
    try {
      const late = hookCommand(this.values, 'post-xfer exec', this.#env)
      if (late !== null) this.#late = prepareLateHook(late, this.#env)
      const trouble = await this.#prepare(path, visit)
      if (trouble !== null) await this.#late?.run(NEVER_BEGAN)
      return trouble
    } catch (error) {
      if (!(error instanceof StartupError)) throw error
      this.#log(error.message)
      return `module ${this.name} cannot be served`
    }
  }

  async #prepare(path: string, { earlyInput }: Visit): Promise<string | null> {
    const early = hookCommand(this.values, 'early exec', this.#env)
    if (early !== null) {
      const input = earlyInput ?? new Uint8Array(0)
      const env = { ...this.#env, RSYNC_REQUEST: '(NONE)' }
      const { rawStatus } = await runHook(early, env, input, LIMITS.hookOutputBytes)
      if (rawStatus !== 0) return `early exec failed`
    }
    const kind = kindOfPath(path)
    if (kind !== 'directory') {
      const why = kind === 'nothing' ? 'No such file or directory (2)' : 'Not a directory (20)'
      this.#log(`rsync: chdir ${path} failed: ${why}`)
      return 'chdir failed'
    }
    try {
      this.#place = this.#resolved(path)
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      this.#log(`rsync: chdir ${path} failed: ${error.message}`)
      return 'chdir failed'
    }
    try {
      this.#filters = moduleFilters(this.values, this.#env)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      this.#log(error.message)
      return 'failed to read the filters of the module'
    }
    return (
      this.#readIds() ??
      this.#checkEntry() ??
      (await this.#openCharset()) ??
      (await this.#openPublished())
    )
  }
  /** @throws {FileError} on a link that the clients may have made, to lead elsewhere */
  #resolved(path: string): string {
    const isRooted = maybeOf(this.values, 'use chroot') !== false && isRoot()
    if (!isRooted && !flagOf(this.values, 'insecure links')) return realPath(trustedPath(path))
    const place = realPath(path)
    const outer = realPath(path.split('/./', 1).join())
    if (!isRooted || isInside(place, outer === '/' ? null : outer)) return place
    throw new FileError(`it leads out of ${outer}`)
  }

  /** Loaded while its tables can still be reached. */
  async #openCharset(): Promise<string | null> {
    const charset = textOf(this.values, 'charset', this.#env)
    try {
      await openWireCharset({ iconv: charset || null }, this.#env)
      return null
    } catch (error) {
      if (!(error instanceof PrsyncError)) throw error
      this.#log(error.message)
      return `module ${this.name} cannot be served`
    }
  }
  async #openPublished(): Promise<string | null> {
    const index = textOf(this.values, 'published by', this.#env)
    if (index === '') return null
    // Loaded for those who want it: it takes as long as all the rest.
    const { PublishedNames } = await import('./published-names.js')
    try {
      this.#published = new PublishedNames(index)
    } catch (error) {
      if (!(error instanceof StartupError)) throw error
      this.#log(error.message)
    }
    return this.#published?.isThere === true ? null : 'nothing is published yet -- try again later'
  }

  /** Without chroot the module's user goes there by himself. */
  #checkEntry(): string | null {
    const isChanged = maybeOf(this.values, 'use chroot') !== false && !this.#path.includes('/./')
    if (isChanged || canWorkIn({ directory: this.#place, ...this.#ids })) return null
    this.#log(`rsync: chdir ${this.#path} failed: Permission denied (13)`)
    return 'chdir failed'
  }

  #readIds(): string | null {
    if (!isRoot()) return null
    const user = textOf(this.values, 'uid', this.#env) || 'nobody'
    const uid = userNumber(user)
    if (uid === null) return `invalid uid ${user}`
    const said = textOf(this.values, 'gid', this.#env).split(/[\s,]+/)
    const gids: number[] = []
    for (const name of said.filter((word) => word !== '')) {
      const gid = groupNumber(name)
      if (name !== '*' && gid === null) return `invalid gid ${name}`
      gids.push(...(gid === null ? groupsOfUser(user) : [gid]))
    }
    this.#ids = { uid, gids: gids.length > 0 ? gids : groupsOfUser(user) }
    return null
  }

  /** `name converter`: started while the program it is can still be reached. @param env of this request */
  openNames(env: Environment): void {
    const command = hookCommand(this.values, 'name converter', env)
    if (command !== null) this.#converter = openNameConverter(command, env)
  }
  hides({ path, ignoreNonreadable }: ModuleSetting): Hides | null {
    return hiddenNames(path, this.#published, ignoreNonreadable)
  }
  accounts({ numericIds }: ModuleSetting): Accounts {
    if (numericIds) return NO_ACCOUNTS
    return this.#converter === null ? LOCAL_ACCOUNTS : convertedAccounts(this.#converter)
  }

  /** @param open the file that `now` writes to */
  log(open: string, now: DaemonLog): DaemonLog {
    const file = textOf(this.values, 'log file', this.#env)
    if (file === '' || file === open) return now
    return openDaemonLog({
      file,
      facility: textOf(this.values, 'syslog facility', this.#env),
      tag: textOf(this.values, 'syslog tag', this.#env),
    })
  }

  /** From here on the process is the module's, for good. @throws {StartupError} */
  confine(access: Access, logFormat: string | null): ModuleSetting {
    const place = this.#place
    const isRooted = this.#changeRoot(place)
    const path = isRooted ? '/' : place
    confine({ directory: path, ...this.#ids })
    const setting = moduleSetting(this.values, this.#env, {
      name: this.name,
      path,
      shownPath: this.#path,
      confinedBy: isRooted ? 'chroot' : 'path',
      isWhole: path === '/',
      access,
      filters: this.#filters,
      logFormat,
    })
    if (!setting.insecureLinks) keepWithin(path)
    return setting
  }

  /** Where chroot(2) cannot be had the module is confined by path, said or not; `/./` asks for two roots, and gets one path. */
  #changeRoot(place: string): boolean {
    if (maybeOf(this.values, 'use chroot') === false || place === '/') return false
    if (!this.#path.includes('/./') && changeRoot(place)) return true
    this.#log(`module ${this.name}: no chroot; confined by path`)
    return false
  }
}

/** In the order that rsyncd.conf(5) gives them. @throws {UsageError} */
function moduleFilters(values: Values, env: Environment): readonly FilterRule[] {
  const text = (name: string): string => textOf(values, name, env)
  const found: FilterOption[] = []
  if (text('filter') !== '')
    found.push(
      ...ruleWords(text('filter')).map((rule) => ({ kind: 'filter' as const, text: rule })),
    )
  for (const kind of ['include', 'exclude'] as const) {
    const file = text(`${kind} from`)
    if (file !== '') found.push({ kind: `${kind}-from`, text: readNamed(file), nul: false })
    for (const pattern of text(kind).split(/\s+/))
      if (pattern !== '') found.push({ kind, text: pattern })
  }
  return parseFilters(found, { read: readNamed, cvsIgnore: [] })
}

/** `- *.o + *.c`: a rule is a word of a prefix and the word behind it, or one word with `_` between. */
function ruleWords(text: string): readonly string[] {
  const rules: string[] = []
  const words = text.split(/\s+/).filter((word) => word !== '')
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const stands = /^([-+.:HSPR!,a-z]+)$/.test(word) && word !== '!' && at + 1 < words.length
    rules.push(stands ? `${word} ${words[++at] ?? ''}` : word)
  }
  return rules
}

/** @throws {StartupError} for users that are not there */
export function idsOf(
  user: string,
  group: string,
): { uid: number | null; gids: readonly number[] | null } {
  const uid = user === '' ? null : userNumber(user)
  const gid = group === '' ? null : groupNumber(group)
  if (user !== '' && uid === null) throw new StartupError(`daemon uid: no user ${user}`)
  if (group !== '' && gid === null) throw new StartupError(`daemon gid: no group ${group}`)
  return { uid, gids: gid === null ? null : [gid] }
}
