/** Volunteers and reports for tests of lib/mirror: all in order, but for what is said. */
import { Ledger } from '../../lib/mirror/ledger.js'
import type { LoadReport } from '../../lib/mirror/report.js'
import type { Volunteer } from '../../lib/mirror/volunteer.js'

export const NOW = 1_800_000_000_000

export const loadReport = (change: Partial<LoadReport> = {}): LoadReport => ({
  atMs: NOW - 1000,
  fair: 12.5e6,
  flows: 0,
  lasting: [],
  clientRate: 0,
  syncRate: 0,
  observed: [],
  ...change,
})

export const volunteer = (slot: number, change: Partial<Volunteer> = {}): Volunteer => ({
  id: `v${slot}`,
  slot,
  baseUrl: `http://v${slot}.example`,
  scheme: 'http',
  families: [4, 16],
  networks: [],
  declared: 12.5e6,
  measured: null,
  joinedMs: NOW - 86_400_000,
  standing: { state: 'fresh' },
  lastFaultMs: null,
  report: loadReport(),
  ledger: new Ledger(),
  ...change,
})
