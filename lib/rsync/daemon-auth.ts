/** Who may log in to a module: `auth users` and its secrets file. rsyncd.conf(5). Pure; texts are one char per byte. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { compileGlob } from '../flist/wildmatch.js'
import { AUTH_DIGESTS, type AuthDigest, authResponse } from '../hash/auth-digest.js'
import { wordsOf } from '../options/conf.js'
import type { Login } from '../wire/greeting.js'

/** What a rule says of a user it lets in. */
export type Access = 'ro' | 'rw' | null

export type LoginQuestion = {
  readonly login: Login
  readonly challenge: string
  readonly digest: AuthDigest
  /** Of `auth users`. */
  readonly rules: string
  /** The text of the secrets file, or why it does not count. */
  readonly secrets: { readonly text: string } | { readonly fault: string }
  /** Of a user of this machine; nobody else is in a group. */
  groupsOf(user: string): readonly string[]
}

export type LoginAnswer =
  | { readonly kind: 'in'; readonly access: Access }
  /** For the log: the client hears no reason. */
  | { readonly kind: 'out'; readonly why: string }

/** The first rule that names the user, or a group of his, decides. */
export function judgeLogin(question: LoginQuestion): LoginAnswer {
  const { login, secrets } = question
  const out = (why: string): LoginAnswer => ({ kind: 'out', why })
  const rule = ruleFor(question.rules, login.user, question.groupsOf)
  if (rule === null) return out('no matching rule')
  if (rule.option === 'deny') return out('denied by rule')
  if ('fault' in secrets) return out(secrets.fault)
  const passwords = passwordsFor(secrets.text, login.user, rule.group)
  if (passwords.length === 0) return out('secret not found')
  const isRight = passwords.some((password) =>
    isSameText(login.response, authResponse(question.digest, password, question.challenge)),
  )
  if (!isRight) return out('password mismatch')
  return { kind: 'in', access: rule.option === 'ro' || rule.option === 'rw' ? rule.option : null }
}

type Rule = { readonly option: string; readonly group: string | null }

function ruleFor(rules: string, user: string, groupsOf: LoginQuestion['groupsOf']): Rule | null {
  let groups: readonly string[] | null = null
  for (const word of wordsOf(rules)) {
    const colon = word.indexOf(':')
    const pattern = colon < 0 ? word : word.slice(0, colon)
    const option =
      colon < 0
        ? ''
        : word
            .slice(colon + 1)
            .trim()
            .toLowerCase()
    // What nobody understands must not let anybody in.
    const meant = ['', 'ro', 'rw', 'deny'].includes(option) ? option : 'deny'
    if (!pattern.startsWith('@')) {
      if (compileGlob(pattern)(user)) return { option: meant, group: null }
      continue
    }
    groups ??= groupsOf(user)
    const matching = groups.find(compileGlob(pattern.slice(1)))
    if (matching !== undefined) return { option: meant, group: matching }
  }
  return null
}

function passwordsFor(text: string, user: string, group: string | null): readonly string[] {
  const passwords: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const name = line.slice(0, colon)
    if (name === user || (group !== null && name === `@${group}`))
      passwords.push(line.slice(colon + 1))
  }
  return passwords
}

/** In a time that does not tell how much of it is right. */
function isSameText(a: string, b: string): boolean {
  const sum = (text: string): Uint8Array => createHash('sha256').update(text, 'latin1').digest()
  return timingSafeEqual(sum(a.replace(/=+$/, '')), sum(b))
}

/** Is a digest at least as good as `auth digest` asks for? A floor that nobody knows lets nothing through. */
export function isStrongEnough(digest: AuthDigest, floor: string): boolean {
  if (floor === '') return true
  const order: readonly string[] = AUTH_DIGESTS
  const least = order.indexOf(floor.toLowerCase())
  return least >= 0 && order.indexOf(digest === 'md4-old' ? 'md4' : digest) <= least
}

/** Why a secrets file does not count, or null. @param mode of its `stat` */
export function secretsFault(mode: number, uid: number, isRoot: boolean): string | null {
  if ((mode & 0o006) !== 0)
    return 'secrets file must not be other-accessible (see strict modes option)'
  if (isRoot && uid !== 0)
    return 'secrets file must be owned by root when running as root (see strict modes)'
  return null
}
