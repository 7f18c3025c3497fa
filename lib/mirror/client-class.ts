/** What a client is by its User-Agent, and how it fails: found out with the clients of Debian 12. */

export type ClientClass =
  | 'apt'
  | 'dnf'
  | 'zypper'
  | 'aria2'
  | 'wget2'
  | 'wget'
  | 'curl'
  | 'browser'
  | 'other'

const AGENTS: readonly (readonly [RegExp, ClientClass])[] = [
  [/\bAPT-HTTP\//, 'apt'],
  [/^(lib)?dnf5?\b|\blibrepo\b/i, 'dnf'],
  [/^ZYpp\b/i, 'zypper'],
  [/^aria2\//i, 'aria2'],
  [/^wget(2\/|\/2)/i, 'wget2'],
  [/^Wget\//i, 'wget'],
  [/^curl\//i, 'curl'],
  [/^Mozilla\//, 'browser'],
]
/** Whoever matches none of it is another; asked for each request, several times. */
const ANY = /APT-HTTP\/|librepo|^(?:(?:lib)?dnf|ZYpp|aria2|wget|curl\/|Mozilla\/)/i

export function clientClassOf(userAgent: string | undefined): ClientClass {
  if (userAgent === undefined || !ANY.test(userAgent)) return 'other'
  return AGENTS.find(([pattern]) => pattern.test(userAgent))?.[1] ?? 'other'
}

/** Its first 404, 503 or wrong hash at a volunteer is its last: it never asks the centre again. */
export function isOfOneTry(client: ClientClass): boolean {
  return client === 'apt'
}

/** dnf gives up a mirror, which the centre is to it, at its fourth failure with whatever file, and it fetches three at a time. */
export function isOfFewTries(client: ClientClass): boolean {
  return client === 'dnf'
}

/** Goes round for ever between a file and the metalink that describes it, or its bad pieces: it hears of neither. */
export function shunsMetalinks(client: ClientClass): boolean {
  return client === 'wget2'
}
