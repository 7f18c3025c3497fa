/**
 * A volunteer as the centre knows it: who it is, what it reported, what was seen of it, what we sent it since. Values only; who
 * changes them says so in its own file (`ledger.ts`, `health.ts`). Rates are bytes a second, times milliseconds since the epoch.
 */
import type { Ledger } from './ledger.js'
import type { LoadReport } from './report.js'

export type Scheme = 'http' | 'https'
/** Of addresses: their bytes. */
export type Family = 4 | 16

/** An address range: 4 or 16 bytes, one char each, of which the first `bits` count. */
export type Network = { readonly address: string; readonly bits: number }

/** Worse evidence wins; `health.ts` decides. */
export type Standing =
  | { readonly state: 'fresh' }
  /** For nobody, until it gave us the right bytes once. */
  | { readonly state: 'untried'; readonly why: string }
  /** For clients that come back, and only where no fresh one is. */
  | { readonly state: 'suspect'; readonly why: string }
  /** For nobody, until an admin or new evidence releases it. */
  | { readonly state: 'quarantined'; readonly why: string }
  /** It goes by its own wish: gets nobody new. */
  | { readonly state: 'draining' }

export type Volunteer = {
  /** Its name as enrolled; what logs, headers and ties go by. */
  readonly id: string
  /** Its column in `presence.ts`; small, used again when it is gone. */
  readonly slot: number
  /** Absolute, without a slash at the end: `https://mirror.example/pub`. */
  readonly baseUrl: string
  readonly scheme: Scheme
  readonly families: readonly Family[]
  /** Those it was volunteered for: on a tie their clients go to it. */
  readonly networks: readonly Network[]
  /** What its admin says it can send; null: unknown. */
  readonly declared: number | null
  /** What was measured of what it can send (`capacity.ts`); null: nothing yet. */
  readonly measured: number | null
  /** Since when it serves: slow start. */
  readonly joinedMs: number
  readonly standing: Standing
  /** Its last bounce, failed probe or wrong answer; null: none. */
  readonly lastFaultMs: number | null
  readonly report: LoadReport | null
  /** What we sent it. */
  readonly ledger: Ledger
}

/** Is the address within the range? Addresses have one char a byte. */
export function isWithin({ address, bits }: Network, client: string): boolean {
  if (client.length !== address.length) return false
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (address.charCodeAt(i) !== client.charCodeAt(i)) return false
  const rest = 8 - (bits & 7)
  return rest === 8 || address.charCodeAt(whole) >> rest === client.charCodeAt(whole) >> rest
}
